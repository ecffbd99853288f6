/* needs: row */
typedef struct {
    uint16_t width, channels;
    const uint16_t *rows, *columns; /* of the input, per row and column of the output */
} hm_nearest;

/* One output row whose pixels are the nearest of an input row. */
static void hm_nearest_row(const hm_nearest *p, const int8_t *row, int8_t *out)
{
    int32_t x;
    for (x = 0; x < p->width; x++, out += p->channels) {
        memcpy(out, row + p->columns[x] * p->channels, p->channels);
    }
}

static void hm_nearest_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_nearest *p = (const hm_nearest *)o->params;
    hm_nearest_row(p, hm_row(arena, o->reads, p->rows[step]), hm_row(arena, o->makes, step));
}
