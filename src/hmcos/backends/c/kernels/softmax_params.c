typedef struct {
    uint16_t pixels, channels;
    int32_t multiplier;
    int16_t least_difference; /* below it, the exponential is zero */
    uint8_t shift;
} hm_softmax;
