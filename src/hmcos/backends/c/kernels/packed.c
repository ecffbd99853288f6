/* The same as it stands in flash: places in tables; that of the bias plus 1, or 0 for none. */
typedef struct {
    uint16_t weights; /* in HM_WEIGHTS_UNIT bytes */
    hm_index bias, multipliers, shifts;
    int16_t in_offset, out_offset;
    int8_t least, most;
    uint8_t each;
} hm_sums_packed;
