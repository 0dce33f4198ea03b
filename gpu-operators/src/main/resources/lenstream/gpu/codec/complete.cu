// What is left of a picture once the CPU has read its bytes, for a batch of them: the filters of a PNG, the arithmetic of a JPEG.
// Equal in every byte to libpng and to libjpeg-turbo's islow DCT with fancy upsampling (jidctint.c, jdsample.c, jdcolor.c).
// Compiles as C++ too, where a block has one thread.
#ifndef LANES
#define LANES 32
#endif

constexpr int CORRECTED = 3;

struct Png {
    unsigned char* samples; // rows of a filter and width * channels differences; the samples take their place
    unsigned char* rgb;     // interleaved, without gaps
    int width, height, channels, white;
};

struct Jpeg {
    // 64 a block in zigzag order; luma's blocks row by row, then those of each chroma. Behind them, from the lowest bit on, masks of
    // 64 bits a block: where that bit is added to what a coefficient amounts to; the highest bit is for the first coefficient
    const short* coefficients;
    unsigned char* planes;     // 64 bytes a block: the samples of each component as a plane
    unsigned char* rgb;
    int width, height, components;
    short wide, tall;                // luma samples a chroma sample, across and down
    int lumaStride, lumaRows;        // blocks
    int chromaStride, chromaRows;
    unsigned char quantisers[3][64]; // of each component, in zigzag order
    int correctedBits; // how many bits have masks, at most CORRECTED
    int unused;
};

__device__ inline int predicted(int filter, int left, int above, int corner) {
    const int turn = 3 * corner - left - above, smaller = min(left, above), larger = max(left, above);
    const int paeth = turn <= smaller ? larger : turn >= larger ? smaller : corner;
    return filter == 4 ? paeth : filter == 3 ? (left + above) >> 1 : filter == 2 ? above : filter == 1 ? left : 0;
}

// Pillow's alpha_composite on white.
__device__ inline unsigned char onGround(int sample, int alpha, int white) {
    if (alpha == 255 || !white) return sample;
    if (alpha == 0) return 255;
    const int blended = ((sample * alpha + 255 * (255 - alpha)) << 7) + (0x80 << 7);
    return (((blended >> 8) + blended) >> 8) >> 7;
}

constexpr int TILE = 31;         // pixels of a row that are in shared memory at a time: with what comes before a word, 128 bytes
constexpr int WORDS = 32;
constexpr int BATCH = 8;        // rows that are read before the first of them is written
constexpr int WARPS = 8;        // the most of a picture
constexpr int PITCH = WORDS + 1; // words from row to row there, so that the lanes use different banks

// Undoes the filters of a picture with C channels. The warps take its stripes of LANES rows in turn, each behind the one above it.
// A lane has a row, one pixel behind the lane above it, whose last pixel is what lies above.
// tile: LANES + 1 rows of the warp, the one above all others comes last; done: by warp, tiles of all stripes before it and of its own
template <int C> __device__ inline void undo(const Png& p, unsigned* tile, int* done) {
    const int lane = threadIdx.x % LANES, warp = threadIdx.x / LANES, warps = blockDim.x / LANES;
    const int bytes = p.width * C, line = bytes + 1, slope = line - C;
    const int tiles = (p.width + LANES - 1 + TILE - 1) / TILE;
    const long long all = (long long) line * p.height;
    for (int stripe = warp; stripe * LANES < p.height; stripe += warps) {
        const int y0 = stripe * LANES;
        const int rows = min(LANES, p.height - y0);
        const long long first = (long long) y0 * line + 1; // where the samples of the first row begin
        const int filter = lane < rows ? p.samples[first + (long long) lane * line - 1] : 0;
        unsigned mine = 0;
        int left[C], corner[C];
        for (int c = 0; c < C; c++) left[c] = corner[c] = 0;
        for (int x0 = 0; x0 < p.width + rows - 1; x0 += TILE) {
            const long long start = first + x0 * C; // of the first row; the others begin `slope` behind each other
            if (stripe > 0) { // what lies above the tile is the last row of the stripe above, in its tile of the same number and the next
                const int needed = (stripe - 1) * tiles + min(x0 / TILE + 2, tiles);
                if (lane == 0) {
                    while (atomicAdd(done + (stripe - 1) % warps, 0) < needed) __nanosleep(100);
                    __threadfence_block();
                }
                __syncwarp();
            }
            for (int i = lane; i < WORDS; i += LANES) {
                unsigned words[LANES + 1]; // all are on their way before the first is waited for
#pragma unroll
                for (int r = 0; r <= LANES; r++) {
                    const long long at = r < LANES ? start + (long long) r * slope : start - line;
                    const long long word = (at & -4LL) + 4 * i;
                    const bool wanted = (r < rows || r == LANES) && word >= 0 && word < all;
                    words[r] = wanted ? *(const unsigned*) (p.samples + word) : 0;
                }
#pragma unroll
                for (int r = 0; r <= LANES; r++) tile[r * PITCH + i] = words[r];
            }
            __syncwarp();
            unsigned char* here = (unsigned char*) (tile + lane * PITCH) + (start + (long long) lane * slope & 3);
            const unsigned char* higher = (const unsigned char*) (tile + LANES * PITCH) + (start - line & 3);
            const bool top = lane == 0;
            int next[C], over[C];
            for (int c = 0; c < C; c++) {
                next[c] = here[c];
                over[c] = y0 > 0 ? higher[c] : 0;
            }
            for (int step = 0; step < TILE; step++, here += C) {
                const int x = x0 + step - lane;
                const unsigned shifted = __shfl_up_sync(0xFFFFFFFFu, mine, 1);
                int raw[C], above[C];
                for (int c = 0; c < C; c++) {
                    raw[c] = next[c];
                    above[c] = top ? over[c] : (int) (shifted >> 8 * c & 255);
                    if (step + 1 < TILE) { // before the store below, which might change them for all that the compiler knows
                        next[c] = here[C + c];
                        over[c] = y0 > 0 ? higher[(step + 1) * C + c] : 0;
                    }
                }
                if (lane >= rows || x < 0 || x >= p.width) continue;
                mine = 0;
                for (int c = 0; c < C; c++) {
                    left[c] = raw[c] + predicted(filter, left[c], above[c], corner[c]) & 255;
                    here[c] = left[c];
                    mine |= (unsigned) left[c] << 8 * c;
                    corner[c] = above[c];
                }
            }
            __syncwarp();
            for (int i = lane; i < 3 * TILE; i += LANES) {
                const int pixel = i / 3, colour = i - 3 * pixel;
                for (int r0 = 0; r0 < rows; r0 += BATCH) {
                    unsigned char values[BATCH];
#pragma unroll
                    for (int j = 0; j < BATCH; j++) {
                        const int r = min(r0 + j, LANES - 1);
                        const unsigned char* from =
                            (const unsigned char*) (tile + r * PITCH) + (start + (long long) r * slope & 3) + pixel * C;
                        values[j] = C == 4 ? onGround(from[colour], from[C - 1], p.white) : from[colour];
                    }
#pragma unroll
                    for (int j = 0; j < BATCH; j++) {
                        const int to = 3 * (x0 - r0 - j) + i;
                        if (r0 + j < rows && to >= 0 && to < 3 * p.width)
                            p.rgb[(long long) (y0 + r0 + j) * p.width * 3 + to] = values[j];
                    }
                }
            }
            // the last row is what lies above the next rows
            const int last = rows - 1, column = (x0 - last) * C;
            const long long at = start + (long long) last * slope;
            const unsigned char* from = (const unsigned char*) (tile + last * PITCH) + (at & 3);
            for (int i = lane; i < TILE * C; i += LANES)
                if (column + i >= 0 && column + i < bytes) p.samples[at + i] = from[i];
            __threadfence_block();
            __syncwarp();
            if (lane == 0) atomicExch(done + warp, stripe * tiles + x0 / TILE + 1);
        }
    }
}

// grid: (pictures); up to WARPS warps each
extern "C" __global__ void unfilter(const Png* pictures) {
    __shared__ unsigned tiles[WARPS * (LANES + 1) * PITCH];
    __shared__ int done[WARPS];
    const Png p = pictures[blockIdx.x];
    const int warp = threadIdx.x / LANES;
    if (threadIdx.x % LANES == 0) done[warp] = 0;
    __syncthreads();
    unsigned* tile = tiles + warp * (LANES + 1) * PITCH;
    if (p.channels == 4) undo<4>(p, tile, done);
    else undo<3>(p, tile, done);
}

__device__ inline unsigned char sample(int value) { return min(255, max(0, value)); }

// Broken pictures have numbers that do not fit: then it matters that libjpeg-turbo reckons in 16 bits, as its SIMD code does.
__device__ inline int narrow(int value) { return (short) value; }

// One dimension of the inverse DCT (Loeffler, Ligtenberg, Moschytz) of the values at 0, step, 2 * step, ...
__device__ inline void idct(const int* in, int step, int* out) {
    const int in0 = in[0], in1 = in[step], in2 = in[2 * step], in3 = in[3 * step];
    const int in4 = in[4 * step], in5 = in[5 * step], in6 = in[6 * step], in7 = in[7 * step];
    int z1 = (in2 + in6) * 4433;
    const int even2 = z1 - in6 * 15137, even3 = z1 + in2 * 6270;
    const int even0 = narrow(in0 + in4) * 8192, even1 = narrow(in0 - in4) * 8192;
    const int t10 = even0 + even3, t13 = even0 - even3, t11 = even1 + even2, t12 = even1 - even2;
    z1 = (in7 + in1) * -7373;
    const int z2 = (in5 + in3) * -20995, z73 = narrow(in7 + in3), z51 = narrow(in5 + in1), z5 = (z73 + z51) * 9633;
    const int z3 = z73 * -16069 + z5, z4 = z51 * -3196 + z5;
    const int odd0 = in7 * 2446 + z1 + z3, odd1 = in5 * 16819 + z2 + z4;
    const int odd2 = in3 * 25172 + z2 + z3, odd3 = in1 * 12299 + z1 + z4;
    out[0] = t10 + odd3;
    out[7] = t10 - odd3;
    out[1] = t11 + odd2;
    out[6] = t11 - odd2;
    out[2] = t12 + odd1;
    out[5] = t12 - odd1;
    out[3] = t13 + odd0;
    out[4] = t13 - odd0;
}

__device__ const unsigned char ORDER[64] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

// grid: (blocks of the largest picture / threads, pictures); one thread a block of 8 x 8 samples
extern "C" __global__ void samples(const Jpeg* pictures) {
    const Jpeg& p = pictures[blockIdx.y];
    const int luma = p.lumaStride * p.lumaRows, chroma = p.components == 1 ? 0 : p.chromaStride * p.chromaRows;
    const int block = blockIdx.x * blockDim.x + threadIdx.x;
    if (block >= luma + 2 * chroma) return;
    const int component = block < luma ? 0 : block < luma + chroma ? 1 : 2;
    const int start = component == 0 ? 0 : component == 1 ? luma : luma + chroma;
    const int stride = component == 0 ? p.lumaStride : p.chromaStride;
    const short* from = p.coefficients + (size_t) block * 64;
    const unsigned char* quantiser = p.quantisers[component];
    const int blocks = luma + 2 * chroma;
    const unsigned long long* masks = (const unsigned long long*) (p.coefficients + (size_t) blocks * 64) + block;
    unsigned long long added[CORRECTED];
    for (int bit = 0; bit < CORRECTED; bit++) added[bit] = bit < p.correctedBits ? masks[(size_t) bit * blocks] : 0;
    int values[64];
    int below = 0; // any value below the first line
    for (int k = 0; k < 64; k++) {
        int whole = from[k];
        for (int bit = CORRECTED - 1; bit >= 0; bit--) {
            const int more = (int) (added[bit] >> 63 - k & 1) << bit;
            whole = narrow(whole < 0 ? whole - more : whole + more);
        }
        const int value = narrow(whole * quantiser[k]);
        values[ORDER[k]] = value;
        if (ORDER[k] > 7) below |= value;
    }
    int line[8];
    for (int x = 0; x < 8; x++) {
        idct(values + x, 8, line);
        for (int y = 0; y < 8; y++)
            values[8 * y + x] = below == 0 ? narrow(line[y] >> 11) : min(32767, max(-32768, (line[y] + (1 << 10)) >> 11));
    }
    const int column = (block - start) % stride, row = (block - start) / stride;
    unsigned char* to = p.planes + (size_t) start * 64 + ((size_t) row * 8 * stride + column) * 8;
    for (int y = 0; y < 8; y++) {
        idct(values + 8 * y, 1, line);
        for (int x = 0; x < 8; x++) to[(size_t) y * 8 * stride + x] = sample(((line[x] + (1 << 17)) >> 18) + 128);
    }
}

// A chroma sample at the place of a luma sample; the plane has `columns` x `rows` samples that count, lines of `line` bytes.
__device__ inline int chromaAt(const unsigned char* plane, int line, int columns, int rows, int x, int y, int wide, int tall) {
    const int cx = wide == 2 ? x >> 1 : x, cy = tall == 2 ? y >> 1 : y;
    const unsigned char* here = plane + (size_t) cy * line;
    if (wide == 2 && columns <= 2) return here[cx]; // too narrow to be smoothed
    if (tall == 1) {
        if (wide == 1) return here[cx];
        const int next = x & 1 ? cx + 1 : cx - 1;
        return next < 0 || next >= columns ? here[cx] : (3 * here[cx] + here[next] + 1 + (x & 1)) >> 2;
    }
    const int other = y & 1 ? min(cy + 1, rows - 1) : max(cy - 1, 0);
    const unsigned char* there = plane + (size_t) other * line;
    const int sum = 3 * here[cx] + there[cx];
    if (wide == 1) return (sum + 1 + (y & 1)) >> 2;
    const int next = x & 1 ? cx + 1 : cx - 1;
    const int beside = next < 0 || next >= columns ? sum : 3 * here[next] + there[next];
    return (3 * sum + beside + 8 - (x & 1)) >> 4;
}

// grid: (pixels of the largest picture / threads, pictures); one thread a pixel
extern "C" __global__ void colours(const Jpeg* pictures) {
    const Jpeg& p = pictures[blockIdx.y];
    const long long pixel = (long long) blockIdx.x * blockDim.x + threadIdx.x;
    if (pixel >= (long long) p.width * p.height) return;
    const int x = pixel % p.width, y = pixel / p.width;
    const int luma = p.planes[(size_t) y * 8 * p.lumaStride + x];
    unsigned char* rgb = p.rgb + 3 * pixel;
    if (p.components == 1) {
        rgb[0] = rgb[1] = rgb[2] = luma;
        return;
    }
    const int columns = (p.width + p.wide - 1) / p.wide, rows = (p.height + p.tall - 1) / p.tall;
    const unsigned char* first = p.planes + (size_t) p.lumaStride * p.lumaRows * 64;
    const unsigned char* second = first + (size_t) p.chromaStride * p.chromaRows * 64;
    const int blue = chromaAt(first, 8 * p.chromaStride, columns, rows, x, y, p.wide, p.tall) - 128;
    const int red = chromaAt(second, 8 * p.chromaStride, columns, rows, x, y, p.wide, p.tall) - 128;
    rgb[0] = sample(luma + ((91881 * red + 32768) >> 16));
    rgb[1] = sample(luma + ((-22554 * blue - 46802 * red + 32768) >> 16));
    rgb[2] = sample(luma + ((116130 * blue + 32768) >> 16));
}
