/* needs: row scale clamp */
typedef struct {
    uint16_t length;
    int16_t in_offset, out_offset;
    int8_t least, most, shift;
    uint8_t flip_in, flip_out; /* 128 where the numbers are unsigned */
    int32_t multiplier;
} hm_rescale;

/* One output row in another scale; the output may stand where the input does. */
static void hm_rescale_row(const hm_rescale *p, const int8_t *in, int8_t *out)
{
    int32_t i;
    for (i = 0; i < p->length; i++) {
        const int32_t value = (int8_t)(in[i] ^ (int8_t)p->flip_in) + p->in_offset;
        const int32_t scaled = hm_scale(value, p->multiplier, p->shift) + p->out_offset;
        out[i] = (int8_t)(hm_clamp(scaled, p->least, p->most) ^ (int8_t)p->flip_out);
    }
}

static void hm_rescale_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    hm_rescale_row((const hm_rescale *)o->params, hm_row(arena, o->reads, step), hm_row(arena, o->makes, step));
}
