/* Where the rows of a tensor stand: row r at base + r / period * step + offsets[first + r % period], in
   units of HM_UNIT bytes from the start of the arena. */
typedef struct {
    hm_offset base;
    hm_advance step;
    uint16_t first, period;
} hm_place;

/* An operator, with the numbers of the tensors that it reads, of the tensor that it makes, and of the one that
   holds its partial sums. */
typedef struct {
    const void *params;
    const uint16_t *reads;
    uint16_t makes, sums;
    uint8_t kind;
} hm_operator;
