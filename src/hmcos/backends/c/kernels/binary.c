/* needs: row scales */
/* The sizes of an operator of two inputs, element by element. A step is 0 along what an input is repeated. */
typedef struct {
    uint16_t constant_row; /* of an input that stands in flash, from one row of it to the next */
    uint16_t width, channels;
    uint16_t step_x[2], step_c[2];
    uint8_t repeated; /* bit k: input k has one row */
    uint8_t spread;   /* bit k: the rows of input k are the columns of the output */
    uint8_t place;    /* of the constant: 0 or 1 */
    int8_t sign;      /* -1: the second is subtracted */
} hm_binary;

/* What input number k has for a row of the output, from column x on. */
static const int8_t *hm_operand(int8_t *arena, const hm_operator *o, int32_t step, int32_t x, int32_t k)
{
    const hm_binary *p = (const hm_binary *)o->params;
    const int32_t column = x * p->step_x[k], constant = hm_scales_table[o->scales].constant;
    if (constant && p->place == k) {
        return hm_weights + (size_t)(constant - 1) * HM_WEIGHTS_UNIT + step * p->constant_row + column;
    }
    if (p->spread >> k & 1) {
        return hm_row(arena, hm_reads[o->reads + (constant ? 0 : k)], x);
    }
    return hm_row(arena, hm_reads[o->reads + (constant ? 0 : k)], p->repeated >> k & 1 ? 0 : step) + column;
}
