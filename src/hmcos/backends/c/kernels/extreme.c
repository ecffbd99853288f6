/* needs: row */
/* The greatest or the least over rows, columns or channels of an input of rows x width x channels. */
typedef struct {
    uint16_t width, channels;         /* of an input row */
    uint16_t out_width, out_channels; /* each as many as of the input, or one */
    uint16_t rows, first;             /* input rows that are compared, and the first of them */
    uint16_t length;                  /* of an output row */
    uint16_t sums_at;                 /* number of the place of what was found so far */
    int8_t sign;                      /* -1 for the least */
} hm_extreme;

/* The extreme of what one input row has for an element of the output, and of another number. */
static int8_t hm_row_extreme(const hm_extreme *p, const int8_t *row, int32_t place, int8_t found)
{
    const int32_t x = place / p->out_channels, c = place % p->out_channels;
    const int32_t lines = p->out_width == 1 ? p->width : 1, numbers = p->out_channels == 1 ? p->channels : 1;
    const int8_t *line = row + x * p->channels + c;
    int32_t i, k;
    for (i = 0; i < lines; i++, line += p->channels) {
        for (k = 0; k < numbers; k++) {
            found = line[k] * p->sign > found * p->sign ? line[k] : found;
        }
    }
    return found;
}
