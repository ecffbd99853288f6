/* needs: window quantization */
typedef struct {
    const hm_window *window;
    hm_sums sums;
} hm_conv;
