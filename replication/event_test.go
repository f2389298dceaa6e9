package replication_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
)

// TestProgressIsTold: a payload that takes its time is told of at its beginning and every ten seconds, with the numbers of that moment. The last events of Status have
// room for other things.
func TestProgressIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t, keysOf(400)...)
		quarter := len(file) / 4
		f := newFakePrimary(t, func(p *peer) {
			p.shakeHands()
			p.say("+FULLRESYNC %s 7\r\n$%d\r\n%s", fakeID, len(file), file[:quarter])
			for i := range 3 {
				time.Sleep(12 * time.Second)
				part := file[(i+1)*quarter:]
				if i < 2 {
					part = part[:quarter]
				}
				p.say("%s", part)
			}
			p.send("INCR", "n")
			p.live()
		})
		var notes eventNotes
		r, _ := f.replica(&replication.ReplicaOptions{OnEvent: notes.add})
		if err := r.WaitReady(t.Context()); err != nil {
			t.Fatal(err)
		}
		told := notes.list()
		if len(told) != 4 || told[3].Kind != replication.Resynced {
			t.Fatalf("told: %+v", told)
		}
		for i, most := range []int{0, 2 * quarter, 3 * quarter} {
			e := told[i]
			// What is told is what has come before a read that may be long.
			if e.Kind != replication.Syncing || e.Progress == nil || e.Progress.Total != int64(len(file)) || e.Progress.Loaded > int64(most) {
				t.Errorf("event %d: %+v, %+v", i, e, e.Progress)
			}
			if i > 0 && (e.Progress.Loaded <= told[i-1].Progress.Loaded || e.Progress.Rate <= 0 || e.Time.Sub(told[i-1].Time) < 10*time.Second) {
				t.Errorf("event %d: %+v after %v", i, e.Progress, e.Time.Sub(told[i-1].Time))
			}
		}
		if mid := told[1].Progress; mid.Keys == 0 || mid.Keys >= 400 || mid.End.Before(told[1].Time) {
			t.Errorf("in the middle: %+v", mid)
		}
		if recent := r.Status().Recent; len(recent) != 1 || recent[0].Kind != replication.Resynced || recent[0].Seq != 4 {
			t.Errorf("recent: %+v", recent)
		}
	})
}

// TestRecentEvents: the last 32, oldest first.
func TestRecentEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakePrimary(t, func(p *peer) { p.shakeHands() })
		r, _ := f.replica(&replication.ReplicaOptions{Backoff: func(int) time.Duration { return time.Second }})
		for _, failures := range []int{5, 32, 40} {
			recent := r.Status().Recent
			for ; len(recent) == 0 || recent[len(recent)-1].Seq < uint64(failures); recent = r.Status().Recent {
				time.Sleep(time.Second)
			}
			if len(recent) != min(int(recent[len(recent)-1].Seq), 32) {
				t.Fatalf("%d events after %d", len(recent), recent[len(recent)-1].Seq)
			}
			for i, e := range recent {
				if e.Kind != replication.LinkLost || i > 0 && e.Seq != recent[i-1].Seq+1 {
					t.Errorf("event %d: %v, number %d", i, e.Kind, e.Seq)
				}
			}
		}
	})
}
