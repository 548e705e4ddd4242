// Package realapi holds the tests that ask a real kube-apiserver, of the minor release that the examples declare, with a
// real etcd behind it and the CRDs as their projects publish them.
//
// In go the golden trees; what counts is that the server takes every object, phase by phase, from an empty cluster on,
// without an error and without a warning. Then install.sh itself is run, with the real kubectl and with stand-ins for helm
// and for controllers; and objects with mistakes are given to the server and to the product's own checks, which must agree.
// There is nothing here but tests: they share no code with what they judge.
//
// `make real-api` builds kube-apiserver and kubectl once (some minutes) and runs them. Where they are missing the tests
// are skipped by name, but for MESHGEN_REAL=require, which CI sets. testdata/upstream.txt says which releases are meant.
package realapi
