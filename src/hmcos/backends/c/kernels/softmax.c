/* needs: softmax_params row clamp */
/* The product of two fractions of 31 bits; halves go up. */
static int32_t hm_product(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + (INT32_C(1) << 30)) >> 31);
}

static int32_t hm_divide(int32_t value, int32_t shift)
{
    const int32_t mask = (int32_t)((UINT32_C(1) << shift) - 1u);
    return (value >> shift) + ((value & mask) > (mask >> 1) + (value < 0));
}

/* exp(-x) of x > 0 in units of 2^-26, as a fraction of 31 bits: a polynomial near -1/8 for what is left of
   x by quarters, times the exponentials of 1/4, 1/2, ... 16. */
static int32_t hm_exp(int32_t x)
{
    static const int32_t powers[7] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
    const int32_t quarter = INT32_C(1) << 24;
    const int32_t part = (-x & (quarter - 1)) - quarter;
    const int32_t t = part * 32 + (INT32_C(1) << 28);
    const int32_t t2 = hm_product(t, t), t3 = hm_product(t2, t), t4 = hm_divide(hm_product(t2, t2), 2);
    const int32_t tail = hm_divide(hm_product(t4 + t3, 715827883) + t2, 1);
    int32_t result = 1895147668 + hm_product(1895147668, t + tail), k;
    const int32_t quarters = part + x;
    if (x == 0) {
        return INT32_MAX;
    }
    for (k = 0; k < 7; k++) {
        if (quarters & (quarter << k)) {
            result = hm_product(result, powers[k]);
        }
    }
    return result;
}

/* 1 / (1 + x) of a fraction x of 31 bits, by three steps of Newton's method in units of 2^-29. */
static int32_t hm_inverse(int32_t x)
{
    const int64_t twice = (int64_t)x + INT32_MAX;
    const int32_t half = (int32_t)((twice + 1) / 2);
    int32_t guess = 1515870810 + hm_product(half, -1010580540), k;
    for (k = 0; k < 3; k++) {
        const int32_t error = (INT32_C(1) << 29) - hm_product(half, guess);
        guess += hm_product(guess, error) * 4;
    }
    return guess > (INT32_MAX >> 1) ? INT32_MAX : guess < -(INT32_MAX >> 1) - 1 ? INT32_MIN : guess * 2;
}

static int32_t hm_exponential(const hm_softmax *p, int32_t difference)
{
    const int32_t shifted = (int32_t)((uint32_t)difference << p->shift);
    return hm_exp(-hm_product(shifted, p->multiplier));
}

/* One pixel; the output may stand where the input does. */
static void hm_softmax_pixel(const hm_softmax *p, const int8_t *in, int8_t *out)
{
    int32_t most = -128, sum = 0, digits = 0, scale, c;
    for (c = 0; c < p->channels; c++) {
        most = in[c] > most ? in[c] : most;
    }
    for (c = 0; c < p->channels; c++) {
        if (in[c] - most >= p->least_difference) {
            sum += hm_divide(hm_exponential(p, in[c] - most), 12);
        }
    }
    while (!((uint32_t)sum << digits & UINT32_C(0x80000000))) {
        digits++;
    }
    scale = hm_inverse((int32_t)(((uint32_t)sum << digits) - UINT32_C(0x80000000)));
    for (c = 0; c < p->channels; c++) {
        const int32_t difference = in[c] - most;
        int32_t value = 0;
        if (difference >= p->least_difference) {
            value = hm_divide(hm_product(scale, hm_exponential(p, difference)), 12 - digits + 23);
        }
        out[c] = hm_clamp(value - 128, -128, 127);
    }
}

static void hm_softmax_row(const hm_softmax *p, const int8_t *in, int8_t *out)
{
    int32_t x;
    for (x = 0; x < p->pixels; x++) {
        hm_softmax_pixel(p, in + x * p->channels, out + x * p->channels);
    }
}

static void hm_softmax_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    hm_softmax_row((const hm_softmax *)o->params, hm_row(arena, o->reads, step), hm_row(arena, o->makes, step));
}
