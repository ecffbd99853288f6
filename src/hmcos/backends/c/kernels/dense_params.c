/* needs: row dense_result */
typedef struct {
    uint16_t pixels, length, out_channels; /* vectors in a row, numbers of each, and of what it becomes */
    uint16_t rows, first;                  /* input rows that make one vector, and the first of them */
    uint16_t sums_at;                      /* number of the place of partial sums */
} hm_dense;
