package store

import (
	"context"

	"github.com/understudy-go/understudy/resp"
)

// BLPop removes the first element of the first of keys, at least one, that is there,
// and returns it with the name of its key. Where none is there it waits: among those
// who wait for a key the one who came first is served first, by the very commit after
// the one that brought the element.
//
// The error is ctx's when that ends first, then nothing was removed; [ErrWrongType]
// when the first key that is there at the time of the call is no list, what becomes
// one later is waited out; [ErrReadOnly], [ErrClosed] or [ErrNested]; or an [*Error]
// with the code UNBLOCKED when the store becomes a replica meanwhile. O(keys + log n).
func (d DB) BLPop(ctx context.Context, keys ...string) (key, value string, err error) {
	return d.waitForPair(ctx, popWish(keys, Left))
}

// BRPop is [DB.BLPop] of the last element.
func (d DB) BRPop(ctx context.Context, keys ...string) (key, value string, err error) {
	return d.waitForPair(ctx, popWish(keys, Right))
}

// BLMove takes an element from a side of one list, puts it to a side of another, and
// returns it. It waits, and fails, as [DB.BLPop]. Redis 6.2.
func (d DB) BLMove(ctx context.Context, from, to string, take, put Side) (value string, err error) {
	v, err := d.waitFor(ctx, moveWish("LMOVE", []string{from}, to, take, put))
	return v.Str, err
}

// BZPopMin removes the member with the lowest score of the first of keys that is a
// sorted set. It waits, and fails, as [DB.BLPop]. Redis 5.0.
func (d DB) BZPopMin(ctx context.Context, keys ...string) (key, member string, score float64, err error) {
	return d.waitForScored(ctx, zpopWish(keys, false))
}

// BZPopMax is [DB.BZPopMin] of the highest score.
func (d DB) BZPopMax(ctx context.Context, keys ...string) (key, member string, score float64, err error) {
	return d.waitForScored(ctx, zpopWish(keys, true))
}

// BLMPop removes up to count elements, at least one, from a side of the first of keys
// that is there, and returns them with the name of their key. It waits, and fails, as
// [DB.BLPop]; [DB.LMPop] does not wait. O(keys + log n + count). Redis 7.0.
func (d DB) BLMPop(ctx context.Context, from Side, count int, keys ...string) (key string, items []string, err error) {
	if err := checkMPop(count, keys); err != nil {
		return "", nil, err
	}
	v, err := d.waitFor(ctx, lmpopWish(keys, from, int64(count)))
	if err != nil {
		return "", nil, err
	}
	for _, e := range v.Elems[1].Elems {
		items = append(items, e.Str)
	}
	return v.Elems[0].Str, items, nil
}

// BZMPopMin removes up to count members, at least one, with the lowest scores of the
// first of keys that is there, and returns them with the name of their key, the lowest
// first. It waits, and fails, as [DB.BLPop]; [DB.ZMPopMin] does not wait.
// O(keys + log n + count). Redis 7.0.
func (d DB) BZMPopMin(ctx context.Context, count int, keys ...string) (key string, items []Scored, err error) {
	return d.waitForMany(ctx, false, count, keys)
}

// BZMPopMax is [DB.BZMPopMin] of the highest scores, the highest first.
func (d DB) BZMPopMax(ctx context.Context, count int, keys ...string) (key string, items []Scored, err error) {
	return d.waitForMany(ctx, true, count, keys)
}

func (d DB) waitForMany(ctx context.Context, highest bool, count int, keys []string) (key string, items []Scored, err error) {
	if err := checkMPop(count, keys); err != nil {
		return "", nil, err
	}
	v, err := d.waitFor(ctx, zmpopWish(keys, highest, int64(count)))
	if err != nil {
		return "", nil, err
	}
	for _, pair := range v.Elems[1].Elems {
		items = append(items, Scored{Score: pair.Elems[1].Float, Member: pair.Elems[0].Str})
	}
	return v.Elems[0].Str, items, nil
}

func (d DB) waitForPair(ctx context.Context, w wish) (key, value string, err error) {
	v, err := d.waitFor(ctx, w)
	if err != nil {
		return "", "", err
	}
	return v.Elems[0].Str, v.Elems[1].Str, nil
}

func (d DB) waitForScored(ctx context.Context, w wish) (key, member string, score float64, err error) {
	v, err := d.waitFor(ctx, w)
	if err != nil {
		return "", "", 0, err
	}
	return v.Elems[0].Str, v.Elems[1].Str, v.Elems[2].Float, nil
}

func (d DB) waitFor(ctx context.Context, w wish) (resp.Value, error) {
	if err := ctx.Err(); err != nil {
		return resp.Value{}, err
	}
	if len(w.keys) == 0 {
		return resp.Value{}, errNoKeys // it would wait for nothing, for ever
	}
	r, err := d.s.block(d.n, w, func() (context.Context, func()) { return ctx, func() {} })
	if err == nil && r.v.Kind == resp.Error {
		if err = ErrWrongType; r.v.Str != ErrWrongType.text {
			err = &Error{r.v.Str}
		}
	}
	return r.v, err
}
