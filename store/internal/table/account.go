package table

// An Account counts the bytes of a collection, those that it owns included. The
// zero value is empty and has no owner. It is the writer's.
type Account struct {
	bytes int64
	owner *Account
}

// Charge adds n bytes, here and in all that own this account.
func (a *Account) Charge(n int64) {
	for ; a != nil; a = a.owner {
		a.bytes += n
	}
}

// Bytes is the memory of what was charged, give or take what allocators round up.
func (a *Account) Bytes() int64 { return a.bytes }

// Owned reports whether the bytes count in another account too.
func (a *Account) Owned() bool { return a.owner != nil }

// SetOwner makes o count these bytes, and the owner so far no longer; nil for none.
func (a *Account) SetOwner(o *Account) {
	a.owner.Charge(-a.bytes)
	a.owner = o
	o.Charge(a.bytes)
}
