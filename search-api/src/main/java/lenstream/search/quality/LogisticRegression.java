package lenstream.search.quality;

import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.ArrayRealVector;
import org.apache.commons.math3.linear.CholeskyDecomposition;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.linear.RealVector;

/**
 * Logistic regression with weights of the examples and a ridge on the coefficients, by Newton's method. The loss is convex
 * and the ridge makes its minimum unique, so the result depends on the examples alone.
 *
 * @param coefficients one a feature; never written after construction
 * @param intercept not held down by the ridge
 */
record LogisticRegression(double[] coefficients, double intercept) {
    private static final int STEPS = 50;
    private static final double CONVERGED = 1e-10;

    /**
     * Fits {@code P(y) = 1 / (1 + exp(-(coefficients · x + intercept)))}.
     *
     * @param x an example a row
     * @param weight of each example; only their ratios count: they are scaled to a mean of 1
     * @param ridge half of which times the square of the coefficients is added to the summed loss; above 0
     */
    static LogisticRegression fit(double[][] x, boolean[] y, double[] weight, double ridge) {
        int rows = x.length;
        int features = x[0].length;
        double scale = 0;
        for (double w : weight) {
            scale += w;
        }
        scale = rows / scale;
        var at = new double[features + 1]; // the intercept is last
        double loss = loss(x, y, weight, scale, ridge, at);
        for (int step = 0; step < STEPS; step++) {
            var gradient = new double[features + 1];
            var curvature = new double[features + 1][features + 1];
            for (int row = 0; row < rows; row++) {
                double p = 1 / (1 + Math.exp(-value(x[row], at)));
                double slope = scale * weight[row] * (p - (y[row] ? 1 : 0));
                double bend = scale * weight[row] * Math.max(p * (1 - p), 1e-9);
                for (int i = 0; i <= features; i++) {
                    double xi = i == features ? 1 : x[row][i];
                    gradient[i] += slope * xi;
                    double bent = bend * xi;
                    double[] line = curvature[i];
                    for (int j = 0; j <= i; j++) {
                        line[j] += bent * (j == features ? 1 : x[row][j]);
                    }
                }
            }
            for (int i = 0; i <= features; i++) {
                for (int j = 0; j < i; j++) {
                    curvature[j][i] = curvature[i][j];
                }
                if (i < features) {
                    gradient[i] += ridge * at[i];
                    curvature[i][i] += ridge;
                }
            }
            RealMatrix matrix = new Array2DRowRealMatrix(curvature, false);
            RealVector move = new CholeskyDecomposition(matrix).getSolver().solve(new ArrayRealVector(gradient, false));
            double before = loss;
            double length = 1;
            double[] next;
            do { // a full step may lead too far while p is near 0 or 1
                next = at.clone();
                for (int i = 0; i <= features; i++) {
                    next[i] -= length * move.getEntry(i);
                }
                loss = loss(x, y, weight, scale, ridge, next);
                length /= 2;
            } while (loss > before && length > 1e-6);
            if (!(loss < before)) {
                break;
            }
            at = next;
            if (before - loss < CONVERGED * (1 + Math.abs(loss))) {
                break;
            }
        }
        var coefficients = new double[features];
        System.arraycopy(at, 0, coefficients, 0, features);
        return new LogisticRegression(coefficients, at[features]);
    }

    /** Log odds of an example. */
    double of(double... x) {
        double sum = intercept;
        for (int i = 0; i < x.length; i++) {
            sum += coefficients[i] * x[i];
        }
        return sum;
    }

    private static double value(double[] x, double[] at) {
        double sum = at[x.length];
        for (int i = 0; i < x.length; i++) {
            sum += at[i] * x[i];
        }
        return sum;
    }

    private static double loss(double[][] x, boolean[] y, double[] weight, double scale, double ridge, double[] at) {
        double sum = 0;
        for (int row = 0; row < x.length; row++) {
            double value = y[row] ? value(x[row], at) : -value(x[row], at);
            sum += scale
                    * weight[row]
                    * (value > 0 ? Math.log1p(Math.exp(-value)) : Math.log1p(Math.exp(value)) - value);
        }
        for (int i = 0; i < at.length - 1; i++) {
            sum += ridge * at[i] * at[i] / 2;
        }
        return sum;
    }
}
