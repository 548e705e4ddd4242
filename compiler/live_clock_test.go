package compiler

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// falseServer answers NTP requests with a time that is off by lie. chronyd itself cannot serve for it: what it serves is
// the machine's clock.
func (c clock) falseServer(t *testing.T, address string) {
	t.Helper()
	type opened struct {
		conn net.PacketConn
		err  error
	}
	got := make(chan opened)
	go func() {
		// A thread that has entered another namespace is of no use to other goroutines: locked, it ends with this one.
		runtime.LockOSThread()
		var o opened
		defer func() { got <- o }()
		f, err := os.Open(filepath.Join("/run/netns", c.ns))
		if err != nil {
			o.err = err
			return
		}
		defer func() { _ = f.Close() }()
		if o.err = unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); o.err == nil {
			o.conn, o.err = net.ListenPacket("udp", net.JoinHostPort(address, "123"))
		}
	}()
	o := <-got
	if o.err != nil {
		t.Fatal(o.err)
	}
	t.Cleanup(func() { _ = o.conn.Close() })
	go func() {
		request := make([]byte, 1024)
		for {
			n, from, err := o.conn.ReadFrom(request)
			if err != nil {
				return
			}
			if n >= 48 {
				_, _ = o.conn.WriteTo(falseAnswer(request, time.Now().Add(lie)), from)
			}
		}
	}()
}

// falseAnswer is an answer by RFC 5905: a server of stratum 1 that has just been set.
func falseAnswer(request []byte, now time.Time) []byte {
	a := make([]byte, 48)
	a[0] = 4<<3 | 4 // version 4, mode server
	a[1] = 1        // stratum
	a[2] = request[2]
	a[3] = 0xec // precision 2^-20 s
	copy(a[12:], "GPS\x00")
	const epoch = 2208988800 // 1970 in seconds from 1900
	stamp := uint64(now.Unix()+epoch)<<32 | uint64(now.Nanosecond())<<32/1e9
	binary.BigEndian.PutUint64(a[16:], stamp)
	copy(a[24:32], request[40:48]) // what it sent comes back as the origin
	binary.BigEndian.PutUint64(a[32:], stamp)
	binary.BigEndian.PutUint64(a[40:], stamp)
	return a
}

// certificate makes a self-signed certificate of a server.
func certificate(t *testing.T, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}
