/* Where the rows of a tensor stand: row r at base + r / period * step + offsets[first + r % period], in
   units of HM_UNIT bytes from the start of the arena. */
typedef struct {
    hm_offset base;
    hm_advance step;
    uint16_t first, period;
} hm_place;

/* An operator, with the number of the tensor that it reads, or where several stand in hm_reads, and of the one
   that it makes. */
typedef struct {
    const void *params;
    uint16_t reads, makes;
} hm_operator;
