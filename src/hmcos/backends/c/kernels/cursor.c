/* needs: base */
/* A part of the schedule that is being done: its next token, its first, tokens left and in all, and times. */
typedef struct {
    const uint8_t *at, *begin;
    int32_t left, number, times;
} hm_part;

/* Where in the schedule a run of the network is: the parts that hold each other, and rows of an operator. */
typedef struct {
    hm_part parts[HM_DEPTH];
    int32_t depth, number, first, rows, left;
} hm_cursor;

static int32_t hm_number(hm_part *p)
{
    int32_t number = 0, shift = 0;
    for (; *p->at & 128u; shift += 7) {
        number |= (int32_t)(*p->at++ & 127u) << shift;
    }
    return number | (int32_t)*p->at++ << shift;
}

static int32_t hm_signed(hm_part *p)
{
    const int32_t number = hm_number(p);
    return number & 1 ? -(number / 2) - 1 : number / 2;
}

/* Begins a part that was there before. */
static void hm_again(hm_cursor *c, int32_t token)
{
    hm_part *p = &c->parts[c->depth], *inner = p + 1;
    const uint8_t *here = p->at - 1;
    inner->begin = here - hm_number(p);
    inner->at = inner->begin;
    inner->left = inner->number = hm_number(p);
    inner->times = token == 254 ? hm_number(p) : 1;
    c->depth++;
}

/* The part that goes on, after those that are done. */
static hm_part *hm_part_left(hm_cursor *c)
{
    hm_part *p = &c->parts[c->depth];
    while (p->left == 0) {
        if (--p->times > 0) {
            p->at = p->begin;
            p->left = p->number;
        } else {
            c->depth--;
            p--;
        }
    }
    p->left--;
    return p;
}

/* Goes on by one step; returns its operator, or -1 behind the last. */
static int32_t hm_next(hm_cursor *c, int32_t *row)
{
    while (c->left == 0) {
        hm_part *p = hm_part_left(c);
        const int32_t token = *p->at++;
        if (token < 128) {
            c->number += hm_runs[token].operators;
            c->first += hm_runs[token].rows;
            c->left = hm_runs[token].number;
        } else if (token < 252) {
            const int32_t rows = *p->at++;
            c->number += token - 190;
            c->first += rows < 128 ? rows : rows - 256;
            c->left = 1;
        } else if (token == 252) {
            c->number += hm_signed(p);
            c->first += hm_signed(p);
            c->left = hm_number(p);
        } else if (token == 255) {
            return -1;
        } else {
            hm_again(c, token);
        }
        c->rows = 0;
    }
    c->left--;
    *row = c->first + c->rows++;
    return c->number;
}

static void hm_begin(hm_cursor *c, const uint8_t *schedule)
{
    c->parts[0].at = c->parts[0].begin = schedule;
    c->parts[0].left = c->parts[0].number = INT32_MAX;
    c->parts[0].times = 1;
    c->depth = c->number = c->first = c->rows = c->left = 0;
}
