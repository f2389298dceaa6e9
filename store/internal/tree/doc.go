// Package tree holds sequences: lists, and sorted sets in their order.
//
// A [Tree] is a B+tree that counts: an inner node knows the number of items below
// each of its children, so that an item is found by its index, and the first item
// below each, so that one is found by its order. There is no balance to restore
// but by splitting nodes that are full and merging neighbours that fit into one.
//
//	inner   sizes  3    2     4            at most 63 children
//	        items  a    d     f            the first below each
//	             / abc  de   fghi          leaves of at most 63 items
//
// # Clones
//
// Cloning is O(1). A node belongs to the tree that made it; a clone takes that
// away from both, and each of the two copies a node when it first changes it. So
// a change after a clone costs at most one copy of the nodes on its path, a
// nested clone no more than another, and what nobody changes is shared for good.
//
// A tree knows nothing of locks: see the store's collections for who may do what
// at the same time.
package tree
