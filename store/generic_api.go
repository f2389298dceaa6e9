package store

import (
	"time"

	"github.com/understudy-go/understudy/store/internal/table"
)

// Dump returns the value of key, of any type, in the form that Restore reads, here and
// in every server from Redis 5.0 on. The error is [ErrNotFound]. O(n).
func (d reads) Dump(key string) (payload string, err error) {
	if e := d.many(func(x *exec) {
		payload, err = "", ErrNotFound
		if e := x.entry(key); e != nil {
			var b []byte
			b, err = x.dump(e)
			payload = table.View(b)
		}
	}); e != nil {
		return "", e
	}
	return payload, err
}

// Restore makes key from what Dump, or the command DUMP of a server, returned. A ttl
// above 0 makes it expire that much later; 0 never. A key that is there is [ErrBusyKey],
// unless replace is set. [ErrPayload] and [ErrPayloadFormat] are about the payload.
// O(n).
func (d writes) Restore(key, payload string, ttl time.Duration, replace bool) error {
	return d.write(func(x *exec) error {
		deadline, err := x.deadlineIn(ttl)
		if err != nil {
			return err
		}
		return x.restore("RESTORE", key, payload, restoreOptions{ttl: deadline, absolute: true, replace: replace})
	})
}
