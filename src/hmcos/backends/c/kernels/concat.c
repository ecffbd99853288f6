/* needs: row */
typedef struct {
    const uint16_t *lengths;         /* bytes of a piece, per input */
    const int8_t *const *constants; /* per input, a null pointer for those that are computed; or a null pointer */
    uint16_t pieces;                 /* of each input in a row */
    uint16_t number;                 /* of inputs */
} hm_concat;

/* One output row of a concatenation along columns or channels. */
static void hm_concat_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_concat *p = (const hm_concat *)o->params;
    int8_t *out = hm_row(arena, o->makes, step);
    int32_t i, k, at = o->reads, whole = 0;
    for (k = 0; k < p->number; k++) {
        whole += p->lengths[k];
    }
    for (k = 0; k < p->number; k++) {
        const int8_t *in;
        if (p->constants && p->constants[k]) {
            in = p->constants[k] + step * p->pieces * p->lengths[k];
        } else {
            in = hm_row(arena, hm_reads[at++], step);
        }
        for (i = 0; i < p->pieces; i++, in += p->lengths[k]) {
            memcpy(out + i * whole, in, p->lengths[k]);
        }
        out += p->lengths[k];
    }
}
