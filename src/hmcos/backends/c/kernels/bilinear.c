/* needs: row bilinear_round */
typedef struct {
    uint16_t in_height, in_width, width, channels;
    int32_t scale_y, scale_x, shift_y, shift_x; /* in 1024ths of a pixel */
} hm_bilinear;

/* Where output number `at` lies between two inputs: their numbers, and how far from the first in 1024ths. */
static int32_t hm_between(int32_t at, int32_t scale, int32_t shift, int32_t size, int32_t *ends)
{
    const int32_t place = at * scale + shift;
    const int32_t low = place / 1024, high = (place + 1023) / 1024;
    ends[0] = low > 0 ? low : 0;
    ends[1] = high < size - 1 ? high : size - 1;
    return place - 1024 * ends[0];
}

/* One output row between two input rows, `part` 1024ths from the first. */
static void hm_bilinear_row(const hm_bilinear *p, const int8_t *const *rows, int32_t part, int8_t *out)
{
    int32_t x, c, ends[2];
    for (x = 0; x < p->width; x++) {
        const int32_t right = hm_between(x, p->scale_x, p->shift_x, p->in_width, ends);
        const int32_t a = ends[0] * p->channels, b = ends[1] * p->channels;
        for (c = 0; c < p->channels; c++) {
            const int64_t upper = (int64_t)rows[0][a + c] * (1024 - right) + (int64_t)rows[0][b + c] * right;
            const int64_t lower = (int64_t)rows[1][a + c] * (1024 - right) + (int64_t)rows[1][b + c] * right;
            const int64_t value = upper * (1024 - part) + lower * part;
            *out++ = hm_bilinear_round(value);
        }
    }
}

static void hm_bilinear_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_bilinear *p = (const hm_bilinear *)o->params;
    const int8_t *rows[2];
    int32_t ends[2];
    const int32_t part = hm_between(step, p->scale_y, p->shift_y, p->in_height, ends);
    rows[0] = hm_row(arena, o->reads, ends[0]);
    rows[1] = hm_row(arena, o->reads, ends[1]);
    hm_bilinear_row(p, rows, part, hm_row(arena, o->makes, step));
}
