/* needs: floats */
/* One row of int8 as floats. */
static void hm_dequantize_row(const hm_float *p, const int8_t *in, int8_t *out)
{
    int32_t i;
    for (i = 0; i < p->length; i++) {
        const int32_t number = (int8_t)(in[i] ^ (int8_t)p->flip) - p->zero;
        const float value = p->scale * (float)number;
        memcpy(out + 4 * i, &value, 4);
    }
}

static void hm_dequantize_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    hm_dequantize_row((const hm_float *)o->params, hm_row(arena, o->reads, step), hm_row(arena, o->makes, step));
}
