/* needs: binary */
typedef void hm_binary_row(const hm_binary *p, const hm_scales *q, const int8_t *a, const int8_t *b, int8_t *out,
                           int32_t width);

/* One output row, by as many columns at a time as lie side by side in both inputs. */
static void hm_binary_step(int8_t *arena, const hm_operator *o, int32_t step, hm_binary_row *row)
{
    const hm_binary *p = (const hm_binary *)o->params;
    const hm_scales *q = &hm_scales_table[o->scales];
    const int32_t width = p->spread ? 1 : p->width;
    int8_t *out = hm_row(arena, o->makes, step);
    int32_t x;
    for (x = 0; x < p->width; x += width, out += width * p->channels) {
        row(p, q, hm_operand(arena, o, step, x, 0), hm_operand(arena, o, step, x, 1), out, width);
    }
}
