/* needs: beside scale clamp */
static int8_t hm_sum(const hm_scales *p, int32_t sign, int32_t a, int32_t b)
{
    const int32_t x = hm_scale((a + p->offsets[0]) * (INT32_C(1) << 20), p->multipliers[0], p->shifts[0]);
    const int32_t y = hm_scale((b + p->offsets[1]) * (INT32_C(1) << 20), p->multipliers[1], p->shifts[1]);
    const int32_t sum = hm_scale(x + sign * y, p->out_multiplier, p->out_shift) + p->out_offset;
    return hm_clamp(sum, p->least, p->most);
}

/* Columns of an output row of a sum or a difference; the output may stand where an unrepeated input does. */
static void hm_add_row(const hm_binary *p, const hm_scales *q, const int8_t *a, const int8_t *b, int8_t *out,
                       int32_t width)
{
    int32_t x, c;
    for (x = 0; x < width; x++) {
        const int8_t *u = a + x * p->step_x[0], *v = b + x * p->step_x[1];
        for (c = 0; c < p->channels; c++) {
            *out++ = hm_sum(q, p->sign, u[c * p->step_c[0]], v[c * p->step_c[1]]);
        }
    }
}

static void hm_add_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    hm_binary_step(arena, o, step, hm_add_row);
}
