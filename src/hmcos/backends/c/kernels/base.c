/* Where the rows of a tensor stand: row r at base + unit * pattern[r % period], or if the period is 0 at
   base + unit * r, in units of HM_UNIT bytes from the start of the arena. The pattern begins in hm_patterns at
   byte `first`; its numbers have `bits` bits each, the low ones first. */
typedef struct {
    hm_base base;
    uint16_t first;
} hm_place;

typedef struct {
    hm_small unit, period;
    uint8_t bits;
} hm_form;

/* A run of rows, told from the run before. */
typedef struct {
    int8_t operators, rows;
    uint8_t number;
} hm_run;

/* An operator: its structure of constants; the number of the tensor that it reads, or where several stand in
   hm_reads; that of the one that it makes; and how its numbers are scaled, where that stands in a table. */
typedef struct {
    const void *params;
    int32_t reads, makes, scales;
} hm_operator;
