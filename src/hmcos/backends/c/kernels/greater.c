/* needs: beside */
/* Columns of an output row of the greater or the lesser of two numbers; the output may stand where an unrepeated
   input does. */
static void hm_greater_row(const hm_binary *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t width)
{
    int32_t x, c;
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
    const hm_binary *p = (const hm_binary *)o->params;
    const int32_t width = hm_beside(p);
    int8_t *out = hm_row(arena, o->makes, step);
    int32_t x;
    for (x = 0; x < p->width; x += width, out += width * p->channels) {
        hm_greater_row(p, hm_operand(arena, o, step, x, 0), hm_operand(arena, o, step, x, 1), out, width);
    }
}
