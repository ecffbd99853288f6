/* needs: row */
/* Input rows of outer x axis x inner numbers; the axis may also run over rows. */
typedef struct {
    uint16_t outer, axis, inner;
    uint16_t rows;   /* input rows along the axis */
    uint16_t length; /* of an output row */
} hm_arg_max;

/* One output row, of int32, of the places of the greatest; the first counts where several are. */
static void hm_arg_max_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_arg_max *p = (const hm_arg_max *)o->params;
    const int32_t numbers = p->outer * p->inner;
    int8_t *out = hm_row(arena, o->makes, step);
    int32_t i, y, k;
    for (i = 0; i < p->length; i++) {
        const int32_t at = step * p->length + i, place = at % numbers;
        int32_t most = -129, found = 0;
        for (y = 0; y < p->rows; y++) {
            const int8_t *row = hm_row(arena, o->reads, at / numbers + y);
            row += place / p->inner * p->axis * p->inner + place % p->inner;
            for (k = 0; k < p->axis; k++) {
                if (row[k * p->inner] > most) {
                    most = row[k * p->inner];
                    found = y * p->axis + k;
                }
            }
        }
        memcpy(out + 4 * i, &found, 4);
    }
}
