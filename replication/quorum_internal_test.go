package replication

import (
	"testing"
	"time"
)

func TestLastsUntil(t *testing.T) {
	at := func(seconds ...int) (list []time.Time) {
		for _, s := range seconds {
			list = append(list, time.Unix(int64(s), 0))
		}
		return list
	}
	now := time.Unix(100, 0)
	for _, tc := range []struct {
		heard []time.Time
		want  int
		until int64 // 0 = not good
	}{
		{at(), 1, 0},
		{at(100), 1, 110},
		{at(90), 1, 100}, // as old as it may be
		{at(89), 1, 0},
		{at(89, 100, 50), 1, 110},
		{at(100), 2, 0},
		{at(89, 100), 2, 0},
		{at(90, 100), 2, 100},
		{at(91, 95, 97), 2, 105},
		{at(91, 95, 97), 3, 101},
	} {
		got := lastsUntil(tc.heard, tc.want, 10*time.Second, now)
		if got.IsZero() && tc.until == 0 {
			continue
		}
		if got.Unix() != tc.until {
			t.Errorf("lastsUntil(%v, %d) = %v, want second %d", tc.heard, tc.want, got, tc.until)
		}
	}
	if got := lastsUntil(at(90), 1, 10*time.Second, now.Add(1)); !got.IsZero() {
		t.Errorf("good %v after the lag is over", got)
	}
}
