//go:build linux

package realapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds each wait: a loaded machine of CI takes half a minute for what takes three seconds here.
const patience = 2 * time.Minute

// program returns the path of a program; where it is missing the test is skipped by name, or fails if nothing may be
// skipped.
func program(t *testing.T, name string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	built := filepath.Join(cache, "meshgen-realapi", upstream(t).build.version, name)
	if _, err := os.Stat(built); err == nil {
		return built
	}
	if name == "etcd" {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	if os.Getenv("MESHGEN_REAL") == "require" {
		t.Fatalf("%s is missing, and MESHGEN_REAL=require: make real-api", name)
	}
	t.Skipf("%s is missing: make real-api", name)
	return ""
}

// newCluster starts etcd and a kube-apiserver on it, empty, and returns a client once it is ready. Both end with the test.
func newCluster(t *testing.T) *client {
	t.Helper()
	etcd, apiserver := program(t, "etcd"), program(t, "kube-apiserver")
	dir := t.TempDir()
	id := newIdentity(t, dir)
	web := &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{TLSClientConfig: id.config(t), MaxIdleConnsPerHost: 4},
	}
	t.Cleanup(web.CloseIdleConnections)

	store := "https://" + freePort(t)
	start(t, dir, etcd,
		"--data-dir", filepath.Join(dir, "etcd"), "--unsafe-no-fsync",
		"--listen-client-urls", store, "--advertise-client-urls", store,
		"--cert-file", id.certFile, "--key-file", id.keyFile, "--trusted-ca-file", id.certFile, "--client-cert-auth",
		"--listen-peer-urls", "http://127.0.0.1:0").await(t, web, store+"/health")

	address := freePort(t)
	host, port, _ := net.SplitHostPort(address)
	start(t, dir, apiserver,
		"--etcd-servers", store, "--etcd-cafile", id.certFile, "--etcd-certfile", id.certFile, "--etcd-keyfile", id.keyFile,
		"--bind-address", host, "--secure-port", port, "--advertise-address", host,
		"--tls-cert-file", id.certFile, "--tls-private-key-file", id.keyFile, "--client-ca-file", id.certFile,
		// As kubeadm starts it.
		"--authorization-mode", "Node,RBAC", "--enable-admission-plugins", "NodeRestriction", "--allow-privileged",
		"--service-account-issuer", "https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file", id.certFile, "--service-account-signing-key-file", id.keyFile,
		"--service-cluster-ip-range", "10.96.0.0/12",
	).await(t, web, "https://"+address+"/readyz")

	c := &client{t: t, web: web, base: "https://" + address, id: id, kinds: map[string]kind{}}
	c.await("namespace kube-system", func() bool { return c.call(http.MethodGet, "/api/v1/namespaces/kube-system", "", nil).ok() })
	return c
}

func (id identity) config(t *testing.T) *tls.Config {
	t.Helper()
	own, err := tls.LoadX509KeyPair(id.certFile, id.keyFile)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{RootCAs: id.pool, Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12}
}

// freePort returns an address of the loopback that nobody uses now, below the ports that the kernel gives to connections going
// out, which would be taken in between. Should somebody else take it, the child ends, and whoever answers in its place has not
// its key.
func freePort(t *testing.T) string {
	t.Helper()
	for {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(20000+rand.IntN(12000))))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().String()
	}
}

// child is a server that this test has started.
type child struct {
	name  string
	log   string
	ended chan error
}

// start runs a server until the test ends.
func start(t *testing.T, dir, path string, args ...string) *child {
	t.Helper()
	c := &child{name: filepath.Base(path), ended: make(chan error, 1)}
	c.log = filepath.Join(dir, c.name+".log")
	out, err := os.Create(c.log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = out, out, dir
	// A test that is killed leaves no server behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		c.ended <- cmd.Wait()
		close(gone)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-gone:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-gone
		}
	})
	return c
}

// await waits until the child answers a request well.
func (c *child) await(t *testing.T, web *http.Client, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		last := "no answer"
		if req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil); err != nil {
			t.Fatal(err)
		} else if resp, err := web.Do(req); err != nil {
			last = err.Error()
		} else {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
			last = resp.Status
		}
		select {
		case err := <-c.ended:
			t.Fatalf("%s ended: %v\n%s", c.name, err, tail(c.log))
		case <-ctx.Done():
			t.Fatalf("%s is not ready: %s\n%s", c.name, last, tail(c.log))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// tail returns the last lines of a log.
func tail(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Sprint(err)
	}
	lines := strings.Split(string(bytes.TrimSpace(data)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}
