// Resize, crop and normalise a ragged batch of RGB images, equal in every byte to Pillow 12.0 up to the normalisation.
// Two separable passes with 22-bit fixed-point weights and rounding to bytes between them, as libImaging/Resample.c does;
// whole-number arithmetic, so the order of additions does not matter. Compile with -fmad=false: the weights are doubles
// whose every rounding counts.
#include <cuda_fp16.h>

struct Image {
    const unsigned char* pixels; // 8-bit RGB, interleaved, rows of pitch bytes
    unsigned char* between;      // rows of 3 planes of `lines` bytes: what the horizontal pass writes
    int* columnTaps;             // weights of the columns: word k of output x at 3 * k * size + x, see taps
    int* rowTaps;                // weights of the rows: tap k of output y at k * size + y
    int width, height, pitch;
    int resizedWidth, resizedHeight;
    int left, top;               // window of the resized image that is kept
    int windowWidth, windowHeight;
    int padLeft, padTop;         // where the window lies in the output
    int firstRow, rows;          // input rows that the window needs
    int unused;
};

constexpr int BITS = 22;
constexpr int HALF_BIT = 1 << (BITS - 1);
constexpr int STRIP = 4; // input rows a block of the horizontal pass

struct Span { int first, count; };

__device__ double weight(double x, bool bicubic) {
    x = fabs(x);
    if (!bicubic) return x < 1.0 ? 1.0 - x : 0.0;
    if (x < 1.0) return (1.5 * x - 2.5) * x * x + 1.0;
    if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5;
    return 0.0;
}

__device__ Span span(int in, int out, int position, bool bicubic) {
    const double scale = (double) in / out;
    const double stretch = scale > 1.0 ? scale : 1.0;
    const double support = (bicubic ? 2.0 : 1.0) * stretch;
    const double centre = (position + 0.5) * scale;
    const int first = max(0, (int) (centre - support + 0.5));
    return {first, min(in, (int) (centre + support + 0.5)) - first};
}

__device__ int clampByte(int sum) { return min(255, max(0, sum >> BITS)); }

// grid: (positions, 2 axes, images)
extern "C" __global__ void taps(const Image* images, int size, int bicubic) {
    const Image m = images[blockIdx.z];
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const bool columns = blockIdx.y == 0;
    if (i >= (columns ? m.windowWidth : m.windowHeight)) return;
    const int in = columns ? m.width : m.height, out = columns ? m.resizedWidth : m.resizedHeight;
    const int position = i + (columns ? m.left : m.top);
    const Span s = span(in, out, position, bicubic);
    const double scale = (double) in / out, stretch = scale > 1.0 ? scale : 1.0;
    const double centre = (position + 0.5) * scale, unstretch = 1.0 / stretch;
    double sum = 0.0;
    for (int k = 0; k < s.count; k++) sum += weight((k + s.first - centre + 0.5) * unstretch, bicubic);
    const double one = sum == 0.0 ? 1.0 : 1.0 / sum;
    int* to = (columns ? m.columnTaps : m.rowTaps) + i;
    // columns: where the first input lies in the word of 4 pixels that the horizontal pass reads
    const int shift = columns ? (s.first - span(in, out, m.left, bicubic).first) & 3 : 0;
    unsigned low = 0, middle = 0, high = 0;
    for (int k = 0; k < s.count; k++) {
        const double v = weight((k + s.first - centre + 0.5) * unstretch, bicubic) * one * (1 << BITS);
        const int w = (int) (v < 0.0 ? v - 0.5 : v + 0.5);
        if (!columns) {
            to[k * size] = w;
            continue;
        }
        const int at = k + shift, bits = (at & 3) * 8;
        low |= (w & 255u) << bits;
        middle |= ((w >> 8) & 255u) << bits;
        high |= ((w >> 16) & 255u) << bits;
        if ((at & 3) == 3 || k == s.count - 1) {
            to[(at / 4 * 3) * size] = low;
            to[(at / 4 * 3 + 1) * size] = middle;
            to[(at / 4 * 3 + 2) * size] = high;
            low = middle = high = 0;
        }
    }
}

// Sum of the products of 4 unsigned bytes and 4 signed ones.
__device__ int dotSigned(unsigned values, unsigned weights, int sum) {
    int out;
    asm("dp4a.u32.s32 %0, %1, %2, %3;" : "=r"(out) : "r"(values), "r"(weights), "r"(sum));
    return out;
}

// grid: (strips of input rows, images); one thread an output column. shared: STRIP rows of 3 planes, a word 4 pixels, so that
// one instruction multiplies 4 pixels by a byte of their weights: 3 bytes make a weight, the highest one signed.
extern "C" __global__ void columns(const Image* images, int size, int line, int planeWords, int bicubic) {
    const Image m = images[blockIdx.y];
    const int r0 = blockIdx.x * STRIP;
    if (r0 >= m.rows) return;
    const int n = min(STRIP, m.rows - r0), x = threadIdx.x;
    extern __shared__ unsigned shared[];
    const int from = span(m.width, m.resizedWidth, m.left, bicubic).first;
    const Span last = span(m.width, m.resizedWidth, m.left + m.windowWidth - 1, bicubic);
    const int words = (last.first + last.count - from + 3) / 4;
#pragma unroll
    for (int r = 0; r < STRIP; r++) {
        const unsigned char* source = m.pixels + (size_t) (m.firstRow + r0 + min(r, n - 1)) * m.pitch + from * 3;
        const int shift = (int) ((size_t) source & 3);
        const unsigned* aligned = (const unsigned*) (source - shift);
        unsigned* target = shared + r * 3 * planeWords;
        for (int i = x; i < words; i += blockDim.x) {
            const unsigned w0 = __ldg(aligned + 3 * i), w1 = __ldg(aligned + 3 * i + 1);
            const unsigned w2 = __ldg(aligned + 3 * i + 2), w3 = __ldg(aligned + 3 * i + 3);
            const unsigned a = __funnelshift_r(w0, w1, 8 * shift); // R0 G0 B0 R1, the lowest byte first
            const unsigned b = __funnelshift_r(w1, w2, 8 * shift); // G1 B1 R2 G2
            const unsigned c = __funnelshift_r(w2, w3, 8 * shift); // B2 R3 G3 B3
            target[i] = __byte_perm(__byte_perm(a, b, 0x0630), c, 0x5210);
            target[planeWords + i] = __byte_perm(__byte_perm(a, b, 0x0741), c, 0x6210);
            target[2 * planeWords + i] = __byte_perm(__byte_perm(a, b, 0x0052), c, 0x7410);
        }
    }
    __syncthreads();
    if (x >= size) return;
    unsigned char* out = m.between + (size_t) r0 * 3 * line + x;
    const int column = x - m.padLeft;
    if (column < 0 || column >= m.windowWidth) {
        for (int r = 0; r < n; r++) for (int c = 0; c < 3; c++) out[(r * 3 + c) * line] = 0;
        return;
    }
    const Span s = span(m.width, m.resizedWidth, m.left + column, bicubic);
    const int at = s.first - from, count = ((at & 3) + s.count + 3) / 4;
    const unsigned* first = shared + at / 4;
    unsigned low[3 * STRIP], middle[3 * STRIP];
    int high[3 * STRIP];
#pragma unroll
    for (int p = 0; p < 3 * STRIP; p++) low[p] = middle[p] = high[p] = 0;
    const unsigned* taps = (const unsigned*) m.columnTaps + column;
    for (int k = 0; k < count; k++) {
        const unsigned l = __ldg(taps + 3 * k * size);
        const unsigned d = __ldg(taps + (3 * k + 1) * size);
        const unsigned h = __ldg(taps + (3 * k + 2) * size);
#pragma unroll
        for (int p = 0; p < 3 * STRIP; p++) {
            const unsigned v = first[p * planeWords + k];
            low[p] = __dp4a(v, l, low[p]);
            middle[p] = __dp4a(v, d, middle[p]);
            high[p] = dotSigned(v, h, high[p]);
        }
    }
#pragma unroll
    for (int p = 0; p < 3 * STRIP; p++)
        if (p / 3 < n) out[p * line] = clampByte((int) (HALF_BIT + low[p] + (middle[p] << 8) + ((unsigned) high[p] << 16)));
}

// Sums of 4 neighbouring columns of one output row and plane; false outside the window.
__device__ bool sums(const Image& m, int y, int plane, int x, int size, int line, int bicubic, int* sum) {
    const int row = y - m.padTop;
    if (row < 0 || row >= m.windowHeight) return false;
    const Span s = span(m.height, m.resizedHeight, m.top + row, bicubic);
    const unsigned char* from = m.between + ((size_t) (s.first - m.firstRow) * 3 + plane) * line + x;
    const int* taps = m.rowTaps + row;
    sum[0] = sum[1] = sum[2] = sum[3] = HALF_BIT;
    for (int k = 0; k < s.count; k++) {
        const uchar4 v = *(const uchar4*) (from + (size_t) k * 3 * line);
        const int w = __ldg(taps + k * size);
        sum[0] += w * v.x;
        sum[1] += w * v.y;
        sum[2] += w * v.z;
        sum[3] += w * v.w;
    }
    return true;
}

__device__ void store(float* out, float v) { *out = v; }
__device__ void store(__half* out, float v) { *out = __float2half_rn(v); }

// levels: 256 normalised values a channel
template <typename T>
__device__ void normalise(const Image& m, T* out, const float* levels, int size, int line, int bicubic, int bgr) {
    const int quads = line / 4, y = blockIdx.x, channel = threadIdx.x / quads, x = threadIdx.x % quads * 4;
    int sum[4];
    const bool inside = sums(m, y, bgr ? 2 - channel : channel, x, size, line, bicubic, sum);
    const float* level = levels + channel * 256;
    T* to = out + ((size_t) channel * size + y) * size + x;
#pragma unroll
    for (int i = 0; i < 4; i++)
        if (x + i < size) store(to + i, __ldg(level + (inside ? clampByte(sum[i]) : 0)));
}

// grid: (output rows, images); threads: 3 planes of line / 4
extern "C" __global__ void rowsToFloat(
        const Image* images, float* out, const float* levels, int size, int line, int bicubic, int bgr) {
    normalise(images[blockIdx.y], out + (size_t) blockIdx.y * 3 * size * size, levels, size, line, bicubic, bgr);
}

extern "C" __global__ void rowsToHalf(
        const Image* images, __half* out, const float* levels, int size, int line, int bicubic, int bgr) {
    normalise(images[blockIdx.y], out + (size_t) blockIdx.y * 3 * size * size, levels, size, line, bicubic, bgr);
}

// The window as interleaved bytes, rows of windowWidth pixels: for thumbnails. Images lie size * size * 3 bytes apart.
extern "C" __global__ void rowsToBytes(
        const Image* images, unsigned char* out, int size, int line, int bicubic) {
    const Image m = images[blockIdx.y];
    const int quads = line / 4, y = blockIdx.x, channel = threadIdx.x / quads, x = threadIdx.x % quads * 4;
    int sum[4];
    if (y >= m.windowHeight || !sums(m, y, channel, x, size, line, bicubic, sum)) return;
    unsigned char* to = out + (size_t) blockIdx.y * 3 * size * size + ((size_t) y * m.windowWidth + x) * 3 + channel;
    for (int i = 0; i < 4; i++)
        if (x + i < m.windowWidth) to[3 * i] = clampByte(sum[i]);
}

// Turns pixels as EXIF 2.32, tag 0x0112, says. width, height: of the target. grid: (blocks of pixels, 1)
extern "C" __global__ void turn(
        const unsigned char* source, unsigned char* target, int width, int height, int orientation) {
    const long long i = (long long) blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= (long long) width * height) return;
    const int x = (int) (i % width), y = (int) (i / width);
    const bool swaps = orientation >= 5;
    const int w = swaps ? height : width, h = swaps ? width : height; // of the source
    int sx, sy;
    switch (orientation) {
        case 2: sx = w - 1 - x; sy = y; break;
        case 3: sx = w - 1 - x; sy = h - 1 - y; break;
        case 4: sx = x; sy = h - 1 - y; break;
        case 5: sx = y; sy = x; break;
        case 6: sx = y; sy = h - 1 - x; break;
        case 7: sx = w - 1 - y; sy = h - 1 - x; break;
        case 8: sx = w - 1 - y; sy = x; break;
        default: sx = x; sy = y;
    }
    const unsigned char* from = source + ((long long) sy * w + sx) * 3;
    unsigned char* to = target + i * 3;
    to[0] = from[0];
    to[1] = from[1];
    to[2] = from[2];
}
