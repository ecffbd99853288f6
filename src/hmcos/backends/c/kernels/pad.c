/* needs: row */
typedef struct {
    uint16_t width, left, right;       /* columns */
    uint16_t channels, before, behind; /* numbers of a column */
    uint16_t in_height, top;
    int8_t fill;
} hm_pad;

/* One output row of a pad; the row is a null pointer above and below the input. */
static void hm_pad_row(const hm_pad *p, const int8_t *row, int8_t *out)
{
    const int32_t channels = p->before + p->channels + p->behind;
    int32_t x;
    memset(out, p->fill, (size_t)((p->left + p->width + p->right) * channels));
    out += p->left * channels + p->before;
    for (x = 0; row && x < p->width; x++, out += channels) {
        memcpy(out, row + x * p->channels, p->channels);
    }
}

static void hm_pad_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_pad *p = (const hm_pad *)o->params;
    const int32_t y = step - p->top;
    const int8_t *row = y < 0 || y >= p->in_height ? NULL : hm_row(arena, o->reads, y);
    hm_pad_row(p, row, hm_row(arena, o->makes, step));
}
