/* needs: window */
typedef struct {
    const hm_window *window;
    int8_t least, most;
} hm_pool;
