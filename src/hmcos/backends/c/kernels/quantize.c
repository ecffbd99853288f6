/* needs: floats clamp */
/* One row of floats as int8; halves go away from zero. */
static void hm_quantize_row(const hm_float *p, const int8_t *in, int8_t *out)
{
    int32_t i;
    for (i = 0; i < p->length; i++) {
        float value;
        int32_t whole;
        memcpy(&value, in + 4 * i, 4);
        value /= p->scale;
        if (!(value > -1024.0f)) {
            value = -1024.0f;
        }
        if (value > 1024.0f) {
            value = 1024.0f;
        }
        whole = (int32_t)value;
        if (value - (float)whole >= 0.5f) {
            whole++;
        } else if (value - (float)whole <= -0.5f) {
            whole--;
        }
        out[i] = (int8_t)(hm_clamp(whole + p->zero, -128, 127) ^ (int8_t)p->flip);
    }
}

static void hm_quantize_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    hm_quantize_row((const hm_float *)o->params, hm_row(arena, o->reads, step), hm_row(arena, o->makes, step));
}
