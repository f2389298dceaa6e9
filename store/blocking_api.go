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
// returns it. It waits, and fails, as [DB.BLPop].
func (d DB) BLMove(ctx context.Context, from, to string, take, put Side) (value string, err error) {
	v, err := d.waitFor(ctx, moveWish("LMOVE", []string{from}, to, take, put))
	return v.Str, err
}

// BZPopMin removes the member with the lowest score of the first of keys that is a
// sorted set. It waits, and fails, as [DB.BLPop].
func (d DB) BZPopMin(ctx context.Context, keys ...string) (key, member string, score float64, err error) {
	return d.waitForScored(ctx, zpopWish(keys, false))
}

// BZPopMax is [DB.BZPopMin] of the highest score.
func (d DB) BZPopMax(ctx context.Context, keys ...string) (key, member string, score float64, err error) {
	return d.waitForScored(ctx, zpopWish(keys, true))
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
