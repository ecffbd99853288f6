/* needs: row */
typedef struct {
    uint16_t length;
    float scale;
    int16_t zero;
    uint8_t flip; /* 128 where the numbers are unsigned */
} hm_float;
