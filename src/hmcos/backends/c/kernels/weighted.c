/* needs: window quantization result */
typedef struct {
    const hm_window *window;
    hm_sums sums;
} hm_conv;

static hm_conv hm_conv_of(const hm_operator *o)
{
    hm_conv found;
    found.window = (const hm_window *)o->params;
    found.sums = hm_sums_of(o);
    return found;
}
