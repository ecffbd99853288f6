/* needs: beside scale clamp */
/* Columns of an output row of a product; the output may stand where an unrepeated input does. */
static void hm_mul_row(const hm_binary *p, const hm_scales *q, const int8_t *a, const int8_t *b, int8_t *out,
                       int32_t width)
{
    int32_t x, c;
    for (x = 0; x < width; x++) {
        const int8_t *u = a + x * p->step_x[0], *v = b + x * p->step_x[1];
        for (c = 0; c < p->channels; c++) {
            const int32_t product = (u[c * p->step_c[0]] + q->offsets[0]) * (v[c * p->step_c[1]] + q->offsets[1]);
            const int32_t value = hm_scale(product, q->out_multiplier, q->out_shift) + q->out_offset;
            *out++ = hm_clamp(value, q->least, q->most);
        }
    }
}

static void hm_mul_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    hm_binary_step(arena, o, step, hm_mul_row);
}
