/* needs: beside */
/* Columns of an output row of the greater or the lesser of two numbers; the output may stand where an unrepeated
   input does. */
static void hm_greater_row(const hm_binary *p, const hm_scales *q, const int8_t *a, const int8_t *b, int8_t *out,
                           int32_t width)
{
    int32_t x, c;
    (void)q;
    for (x = 0; x < width; x++) {
        const int8_t *u = a + x * p->step_x[0], *v = b + x * p->step_x[1];
        for (c = 0; c < p->channels; c++) {
            const int8_t one = u[c * p->step_c[0]], other = v[c * p->step_c[1]];
            *out++ = one * p->sign > other * p->sign ? one : other;
        }
    }
}

static void hm_greater_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    hm_binary_step(arena, o, step, hm_greater_row);
}
