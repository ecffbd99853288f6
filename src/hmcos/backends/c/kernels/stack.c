/* needs: row */
typedef struct {
    const uint16_t *ends;           /* per input, the output row behind its last */
    const int8_t *const *constants; /* per input, a null pointer for those that are computed; or a null pointer */
    uint16_t length;                /* of a row */
} hm_stack;

/* One output row of a concatenation along rows. */
static void hm_stack_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_stack *p = (const hm_stack *)o->params;
    int32_t k, begin = 0, at = o->reads;
    const int8_t *in;
    for (k = 0; step >= p->ends[k]; k++) {
        begin = p->ends[k];
        at += p->constants == NULL || p->constants[k] == NULL;
    }
    if (p->constants && p->constants[k]) {
        in = p->constants[k] + (step - begin) * p->length;
    } else {
        in = hm_row(arena, hm_reads[at], step - begin);
    }
    memcpy(hm_row(arena, o->makes, step), in, p->length);
}
