/* The search of the packed form: breadth-first over states that are numbers, see `encoding.py`.
 *
 * What can happen is looked up in two tables, which the caller fills: `run` stops at an entry that
 * it needs and does not have, tells which (`want_...`), and goes on from there when called again.
 * MOST_JOBS is given by who compiles this (`limits.py`).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  int32_t jobs, width, idle, labels;
  int64_t states, moves, depth;
  uint64_t want_state;
  int32_t want_slot, want_record, want_effect;
  int32_t *row_at, *row_effect, *row_to;            /* by record; ends with an effect of -1 */
  int64_t rows, row_space, longest, outlines, outcomes;
  int32_t *effect;                                  /* by outline, slot, label */
  int32_t *outcome_outline;
  uint8_t *outcome_source, *twins;
  uint64_t *seen, seen_space;                       /* open addressing; a state plus one */
  uint64_t *level, *following;
  int64_t at, level_size, following_size, level_space, following_space;
} Search;

/* The small tables: a machine without memory for these has other problems. */
static void *grown(void *old, int64_t *space, int64_t needed, int64_t size) {
  if (needed < *space) return old;
  int64_t more = *space ? *space : 64;
  while (more <= needed) more *= 2;
  char *made = realloc(old, more * size);
  if (!made) abort();
  memset(made + *space * size, 0, (more - *space) * size);
  *space = more;
  return made;
}

Search *make(int32_t jobs, int32_t width, int32_t idle, int32_t labels) {
  if (jobs < 1 || jobs > MOST_JOBS) return 0;
  Search *s = calloc(1, sizeof *s);
  s->jobs = jobs; s->width = width; s->idle = idle; s->labels = labels;
  s->seen_space = 1 << 16;
  s->seen = calloc(s->seen_space, 8);
  s->level = grown(0, &s->level_space, 1, 8);
  s->level[0] = 0; s->level_size = 1;
  s->seen[0] = 1; s->states = 1;
  s->row_at = calloc(1 << width, sizeof(int32_t));
  return s;
}

void release(Search *s) {
  free(s->row_at); free(s->row_effect); free(s->row_to); free(s->effect);
  free(s->outcome_outline); free(s->outcome_source); free(s->twins);
  free(s->seen); free(s->level); free(s->following); free(s);
}

void set_row(Search *s, int32_t record, int32_t size, const int32_t *effects, const int32_t *to) {
  int64_t space = s->row_space;
  s->row_effect = grown(s->row_effect, &space, s->rows + size + 2, sizeof(int32_t));
  s->row_to = grown(s->row_to, &s->row_space, s->rows + size + 2, sizeof(int32_t));
  if (size > s->longest) s->longest = size;
  if (!s->rows) s->rows = 1;                        /* 0 stands for unknown */
  s->row_at[record] = s->rows;
  memcpy(s->row_effect + s->rows, effects, size * sizeof(int32_t));
  memcpy(s->row_to + s->rows, to, size * sizeof(int32_t));
  s->rows += size;
  s->row_effect[s->rows++] = -1;
}

void set_twins(Search *s, int64_t outline, int32_t size, const int32_t *twins) {
  int64_t space = s->outlines, other = s->outlines * s->jobs * s->labels;
  s->twins = grown(s->twins, &space, outline, s->jobs);
  s->effect = grown(s->effect, &other, space * s->jobs * s->labels - 1, sizeof(int32_t));
  s->outlines = space;
  for (int32_t i = 0; i < size; i++) s->twins[outline * s->jobs + twins[i]] = 1;
}

void set_effect(Search *s, int64_t outline, int32_t slot, int32_t effect, int32_t outcome) {
  s->effect[(outline * s->jobs + slot) * s->labels + effect] = outcome;
}

void set_outcome(Search *s, int32_t outcome, int32_t outline, const int32_t *sources) {
  int64_t space = s->outcomes;
  s->outcome_outline = grown(s->outcome_outline, &space, outcome, sizeof(int32_t));
  s->outcome_source = grown(s->outcome_source, &s->outcomes, outcome, s->jobs);
  s->outcome_outline[outcome] = outline;
  for (int32_t i = 0; i < s->jobs; i++) s->outcome_source[outcome * s->jobs + i] = sources[i];
}

static uint64_t place(uint64_t space, uint64_t key) {
  const uint64_t at = key * 0x9E3779B97F4A7C15ull;
  return (at ^ at >> 32) & (space - 1);
}

static int insert(uint64_t *seen, uint64_t space, uint64_t key) {
  uint64_t at = place(space, key);
  while (seen[at]) {
    if (seen[at] == key) return 0;
    at = (at + 1) & (space - 1);
  }
  seen[at] = key;
  return 1;
}

/* What `expand` has put behind the following level, kept there where it is new. */
static void add(Search *s, int64_t found) {
  uint64_t *behind = s->following + s->following_size;
  for (int64_t i = 0; i < found; i++) {
    const uint64_t state = behind[i];
    if (!insert(s->seen, s->seen_space, state + 1)) continue;
    s->states++;
    s->following[s->following_size++] = state;
  }
}

/* Room for `more` states; 0 where there is none. */
static int reserve(Search *s, int64_t more) {
  while ((uint64_t)(s->states + more) * 2 > s->seen_space) {
    uint64_t *bigger = calloc(s->seen_space * 2, 8);
    if (!bigger) return 0;
    for (uint64_t i = 0; i < s->seen_space; i++)
      if (s->seen[i]) insert(bigger, s->seen_space * 2, s->seen[i]);
    free(s->seen);
    s->seen = bigger;
    s->seen_space *= 2;
  }
  if (s->following_size + more > s->following_space) {
    int64_t space = s->following_space * 2 + more;
    uint64_t *bigger = realloc(s->following, space * 8);
    if (!bigger) return 0;
    s->following = bigger;
    s->following_space = space;
  }
  return 1;
}

/* 0: this state is done. 1: an entry is wanted, and nothing was added. */
static int expand(Search *s, uint64_t state) {
  const int jobs = s->jobs, width = s->width;
  const uint64_t mask = (1ull << width) - 1, outline = state >> (width * jobs);
  uint64_t old[MOST_JOBS + 2], new[MOST_JOBS];
  uint64_t *behind = s->following + s->following_size;
  int64_t moves = s->idle, found = 0;
  for (int slot = 0; slot < jobs; slot++) old[slot] = state >> (width * slot) & mask;
  old[jobs] = 1; old[jobs + 1] = 0;
  for (int slot = 0; slot < jobs; slot++) {
    const uint64_t record = old[slot];
    int64_t row = s->row_at[record];
    if (!row) {
      s->want_state = state; s->want_slot = slot; s->want_record = record; s->want_effect = -1;
      return 1;
    }
    const int32_t *effects = s->effect + (outline * jobs + slot) * s->labels;
    for (; s->row_effect[row] >= 0; row++) {
      const int32_t outcome = effects[s->row_effect[row]];
      if (outcome == 1) continue;
      if (!outcome) {
        s->want_state = state; s->want_slot = slot; s->want_record = s->row_to[row];
        s->want_effect = s->row_effect[row];
        return 1;
      }
      moves++;
      const uint64_t after = s->outcome_outline[outcome];
      if (after == outline && (uint64_t)s->row_to[row] == record) continue;
      const uint8_t *source = s->outcome_source + outcome * jobs, *twin = s->twins + after * jobs;
      old[slot] = s->row_to[row];
      for (int i = 0; i < jobs; i++) new[i] = old[source[i]];
      old[slot] = record;
      for (int i = 0; i + 1 < jobs; i++)
        for (int j = i; j >= 0 && twin[j] && new[j] > new[j + 1]; j--) {
          uint64_t kept = new[j]; new[j] = new[j + 1]; new[j + 1] = kept;
        }
      uint64_t packed = after;
      for (int i = jobs - 1; i >= 0; i--) packed = packed << width | new[i];
      __builtin_prefetch(s->seen + place(s->seen_space, packed + 1));
      behind[found++] = packed;
    }
  }
  add(s, found);
  s->moves += moves;
  return 0;
}

/* 0: nothing is left. 1: there is more to do. 2: an entry is wanted. 3: no memory is left. */
int run(Search *s, int64_t states) {
  while (states-- > 0) {
    if (s->at == s->level_size) {
      if (!s->following_size) return 0;
      uint64_t *kept = s->level; int64_t space = s->level_space;
      s->level = s->following; s->level_space = s->following_space;
      s->level_size = s->following_size;
      s->following = kept; s->following_space = space; s->following_size = 0;
      s->at = 0;
      s->depth++;
    }
    if (!reserve(s, s->jobs * s->longest)) return 3;
    if (expand(s, s->level[s->at])) return 2;
    s->at++;
  }
  return 1;
}
