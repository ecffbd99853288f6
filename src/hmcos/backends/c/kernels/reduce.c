/* needs: row scale clamp */
/* A mean or a sum over rows, columns or channels of an input of rows x width x channels. */
typedef struct {
    uint16_t width, channels;         /* of an input row */
    uint16_t out_width, out_channels; /* each as many as of the input, or one */
    uint16_t rows, first;             /* input rows that are summed, and the first of them */
    uint16_t length;                  /* of an output row */
    uint16_t sums_at;                 /* number of the place of partial sums */
    uint8_t partial;                  /* bytes of a partial sum */
    int8_t shift;
    int16_t out_offset;
    int32_t in_zero;                  /* the sum that stands for zero */
    int32_t multiplier;
} hm_reduce;

static int8_t hm_reduced(const hm_reduce *p, int32_t sum)
{
    return hm_clamp(hm_scale(sum - p->in_zero, p->multiplier, p->shift) + p->out_offset, -128, 127);
}

/* The sum of what one input row has for an element of the output. */
static int32_t hm_row_sum(const hm_reduce *p, const int8_t *row, int32_t x, int32_t c)
{
    const int32_t lines = p->out_width == 1 ? p->width : 1, numbers = p->out_channels == 1 ? p->channels : 1;
    const int8_t *line = row + x * p->channels + c;
    int32_t sum = 0, i, k;
    for (i = 0; i < lines; i++, line += p->channels) {
        for (k = 0; k < numbers; k++) {
            sum += line[k];
        }
    }
    return sum;
}
