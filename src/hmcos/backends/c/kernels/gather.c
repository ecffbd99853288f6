/* needs: row */
/* A row of which every byte is one of the input: transposed, cut, reshaped, blocks and depth exchanged.
   Places and steps count bytes of the input as if its rows stood one behind the other. */
typedef struct {
    int32_t base, far_step, near_step; /* row r begins at base + r / period * far_step + r % period * near_step */
    int32_t steps[3];
    uint16_t numbers[3]; /* of steps, from the outer loop to the inner */
    uint16_t period;
    uint16_t piece;      /* bytes that are taken together */
    uint16_t length;     /* of an input row */
} hm_gather;

/* Copies bytes that may go on in the next row. */
static int8_t *hm_taken(int8_t *arena, const hm_operator *o, int32_t at, int8_t *out)
{
    const hm_gather *p = (const hm_gather *)o->params;
    int32_t left = p->piece, row = at / p->length, column = at % p->length;
    for (; left > 0; row++, column = 0) {
        const int32_t some = left < p->length - column ? left : p->length - column;
        memcpy(out, hm_row(arena, o->reads, row) + column, (size_t)some);
        out += some;
        left -= some;
    }
    return out;
}

static void hm_gather_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_gather *p = (const hm_gather *)o->params;
    const int32_t place = p->base + step / p->period * p->far_step + step % p->period * p->near_step;
    int8_t *out = hm_row(arena, o->makes, step);
    int32_t i, j, k;
    for (i = 0; i < p->numbers[0]; i++) {
        for (j = 0; j < p->numbers[1]; j++) {
            for (k = 0; k < p->numbers[2]; k++) {
                out = hm_taken(arena, o, place + i * p->steps[0] + j * p->steps[1] + k * p->steps[2], out);
            }
        }
    }
}
