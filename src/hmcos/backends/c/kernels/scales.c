/* How an operator of two inputs scales its numbers. */
typedef struct {
    int32_t multipliers[2], out_multiplier;
    int16_t offsets[2], out_offset;
    uint16_t constant; /* an input that stands in flash, where in HM_WEIGHTS_UNIT bytes, plus 1; 0 for none */
    int8_t shifts[2], out_shift;
    int8_t least, most;
} hm_scales;
