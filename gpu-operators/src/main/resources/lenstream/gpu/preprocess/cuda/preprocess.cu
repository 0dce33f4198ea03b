// Resize, crop and normalise a ragged batch of RGB images, equal in every byte to Pillow 12.0 up to the normalisation.
// Two separable passes with 22-bit fixed-point weights and rounding to bytes between them, as libImaging/Resample.c does;
// whole-number arithmetic, so the order of additions does not matter. Compile with -fmad=false: the weights are doubles
// whose every rounding counts.
#include <cuda_fp16.h>

struct Image {
    const unsigned char* pixels; // 8-bit RGB, interleaved, rows of pitch bytes
    unsigned char* between;      // rows of 3 planes of `lines` bytes: what the horizontal pass writes
    int* columnTaps;             // weights of the columns: tap k of output x at k * size + x
    int* rowTaps;                // weights of the rows
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
    for (int k = 0; k < s.count; k++) {
        const double v = weight((k + s.first - centre + 0.5) * unstretch, bicubic) * one * (1 << BITS);
        to[k * size] = (int) (v < 0.0 ? v - 0.5 : v + 0.5);
    }
}

// grid: (strips of input rows, images); one thread an output column; shared: STRIP rows
extern "C" __global__ void columns(const Image* images, int size, int line, int sharedRow, int bicubic) {
    const Image m = images[blockIdx.y];
    const int r0 = blockIdx.x * STRIP;
    if (r0 >= m.rows) return;
    const int n = min(STRIP, m.rows - r0), x = threadIdx.x;
    extern __shared__ __align__(16) unsigned char shared[];
    const int from = span(m.width, m.resizedWidth, m.left, bicubic).first;
    const Span last = span(m.width, m.resizedWidth, m.left + m.windowWidth - 1, bicubic);
    const int bytes = (last.first + last.count - from) * 3;
    const unsigned char* row[STRIP];
#pragma unroll
    for (int r = 0; r < STRIP; r++) {
        const unsigned char* source = m.pixels + (size_t) (m.firstRow + r0 + min(r, n - 1)) * m.pitch + from * 3;
        const int shift = (int) ((size_t) source & 15);
        const uint4* wide = (const uint4*) (source - shift);
        uint4* target = (uint4*) (shared + r * sharedRow);
        for (int i = x; i < (shift + bytes + 15) / 16; i += blockDim.x) target[i] = wide[i];
        row[r] = shared + r * sharedRow + shift;
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
    int sum[STRIP][3];
#pragma unroll
    for (int r = 0; r < STRIP; r++) sum[r][0] = sum[r][1] = sum[r][2] = HALF_BIT;
    const int* taps = m.columnTaps + column;
    int at = (s.first - from) * 3;
    for (int k = 0; k < s.count; k++, at += 3) {
        const int w = __ldg(taps + k * size);
#pragma unroll
        for (int r = 0; r < STRIP; r++) {
            sum[r][0] += w * row[r][at];
            sum[r][1] += w * row[r][at + 1];
            sum[r][2] += w * row[r][at + 2];
        }
    }
#pragma unroll
    for (int r = 0; r < STRIP; r++)
        if (r < n)
            for (int c = 0; c < 3; c++) out[(r * 3 + c) * line] = clampByte(sum[r][c]);
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
