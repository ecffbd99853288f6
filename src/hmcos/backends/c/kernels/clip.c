/* needs: row clamp */
typedef struct {
    uint16_t length;
    int8_t least, most;
} hm_clip;

/* One output row in bounds; the output may stand where the input does. */
static void hm_clip_row(const hm_clip *p, const int8_t *in, int8_t *out)
{
    int32_t i;
    for (i = 0; i < p->length; i++) {
        out[i] = hm_clamp(in[i], p->least, p->most);
    }
}

static void hm_clip_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    hm_clip_row((const hm_clip *)o->params, hm_row(arena, o->reads, step), hm_row(arena, o->makes, step));
}
