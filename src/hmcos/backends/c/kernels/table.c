/* needs: row */
typedef struct {
    uint16_t length;
    const int8_t *values; /* of -128, -127, ... 127 */
} hm_table;

/* One output row of a function of one number; the output may stand where the input does. */
static void hm_table_row(const hm_table *p, const int8_t *in, int8_t *out)
{
    int32_t i;
    for (i = 0; i < p->length; i++) {
        out[i] = p->values[in[i] + 128];
    }
}

static void hm_table_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    hm_table_row((const hm_table *)o->params, hm_row(arena, o->reads, step), hm_row(arena, o->makes, step));
}
