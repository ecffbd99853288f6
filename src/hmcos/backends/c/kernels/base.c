/* Where the rows of a tensor stand: row r at base + unit * pattern[r % period], or if the period is 0 at
   base + unit * r, in units of HM_UNIT bytes from the start of the arena. The pattern begins in hm_patterns at
   `first`; if HM_WIDE is added to that, its numbers have two bytes, the low one first. */
typedef struct {
    hm_base base;
    uint16_t first;
    hm_small unit, period;
} hm_place;

/* A run of rows, told from the run before. */
typedef struct {
    int8_t operators, rows;
    uint8_t number;
} hm_run;

/* An operator, with the number of the tensor that it reads, or where several stand in hm_reads, and of the one
   that it makes. */
typedef struct {
    const void *params;
    uint16_t reads, makes;
} hm_operator;
