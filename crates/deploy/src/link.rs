//! An emulated link: a proxy that lets bytes through at a stated rate and delay.
//!
//! Bytes cost what they cost on a wire: TCP, IP and Ethernet add 66 bytes to every 1,448. The proxy
//! ends both connections, so that neither sees the link's round trip in its TCP windows: it is right
//! for warm connections, and shows no slow start and no loss.
//!
//! Handing bytes from thread to thread takes time, too. How much is measured when a link starts, and
//! taken off its delay, so that a short message takes as long as on the link that was asked for.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{Builder, JoinHandle, sleep};
use std::time::{Duration, Instant};

use cutpoint_core::link::{Link, wire};
use cutpoint_core::units::{BitRate, Bytes};

/// What may wait before the link; then senders are held back, as by the queue of a modem.
const QUEUE: Duration = Duration::from_millis(200);
/// Short messages that what the proxy takes is measured with.
const PINGS: usize = 9;
/// More than this in one direction is a busy machine, not the proxy.
const MOST_OWN: Duration = Duration::from_micros(500);
/// Bytes go through in pieces that take about this long, so that short messages share the link.
const PIECE: Duration = Duration::from_millis(2);

/// One direction of the link, shared by all connections.
#[derive(Debug)]
struct Direction {
    rate: BitRate,
    delay: Duration,
    free: Mutex<Instant>,
    /// What the proxy itself takes, in nanoseconds.
    own_ns: AtomicU64,
}

impl Direction {
    fn new(rate: BitRate, delay: Duration) -> Arc<Direction> {
        Arc::new(Direction {
            rate,
            delay,
            free: Mutex::new(Instant::now()),
            own_ns: AtomicU64::new(0),
        })
    }

    /// Time on the wire, with its framing.
    fn serialisation(&self, bytes: usize) -> Duration {
        let bits = 8.0 * wire(Bytes(bytes as u64)).0 as f64;
        Duration::from_secs_f64(bits / self.rate.bit_s() as f64)
    }

    fn piece(&self) -> usize {
        let bytes = self.rate.bit_s() as f64 / 8.0 * PIECE.as_secs_f64();
        (bytes as usize).clamp(1448, 1 << 16)
    }

    /// When the last of these bytes has left, and when it is on the other side.
    fn send(&self, bytes: usize) -> (Instant, Instant) {
        let took = self.serialisation(bytes);
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        *free = (*free).max(Instant::now()) + took;
        let own = Duration::from_nanos(self.own_ns.load(Ordering::Relaxed));
        (*free, *free + self.delay.saturating_sub(own))
    }
}

/// What all threads of a link share.
#[derive(Debug, Default)]
struct Shared {
    ends: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

impl Shared {
    fn keep(&self, stream: &TcpStream) -> std::io::Result<()> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.push(stream.try_clone()?);
        Ok(())
    }

    fn cut(&self) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in streams.drain(..) {
            // one that is closed already is fine
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// A link to a server; it is cut when this is dropped.
#[derive(Debug)]
pub struct EmulatedLink {
    /// Where to connect to instead of to the server.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

impl EmulatedLink {
    /// Starts a link between this machine's loopback and `server`.
    ///
    /// # Errors
    /// The system gives no port or no thread.
    pub fn start(server: SocketAddr, link: &Link) -> std::io::Result<EmulatedLink> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let up = Direction::new(link.rate, link.delay.0);
        let down = Direction::new(link.down_rate.unwrap_or(link.rate), link.delay.0);
        calibrate(&up, &down)?;
        let accept = {
            let shared = Arc::clone(&shared);
            move || {
                for client in listener.incoming() {
                    if shared.ends.load(Ordering::Acquire) {
                        return;
                    }
                    let Ok(client) = client else { continue };
                    // a server that is gone closes the connection, as it would without a link
                    let _ = connect(&client, server, &up, &down, &shared);
                }
            }
        };
        Ok(EmulatedLink {
            address,
            shared,
            accepting: Some(Builder::new().name("link".to_owned()).spawn(accept)?),
        })
    }

    /// Cuts all connections; new ones are taken.
    pub fn cut(&self) {
        self.shared.cut();
    }
}

impl Drop for EmulatedLink {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Release);
        // wakes the thread that waits for connections
        let woken = TcpStream::connect(self.address).is_ok();
        self.shared.cut();
        if let Some(accepting) = self.accepting.take().filter(|_| woken) {
            // it ended, or panicked and has said so
            let _ = accepting.join();
        }
    }
}

/// Measures what the proxy takes for a short message there and back, and takes it off the delays.
fn calibrate(up: &Arc<Direction>, down: &Arc<Direction>) -> std::io::Result<()> {
    let (near, far) = (
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?,
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?,
    );
    let mut client = TcpStream::connect(near.local_addr()?)?;
    client.set_nodelay(true)?;
    connect(
        &near.accept()?.0,
        far.local_addr()?,
        up,
        down,
        &Arc::default(),
    )?;
    let (mut server, _) = far.accept()?;
    server.set_nodelay(true)?;
    let echo = move || {
        let mut byte = [0];
        while server
            .read_exact(&mut byte)
            .and_then(|()| server.write_all(&byte))
            .is_ok()
        {}
    };
    Builder::new().name("link".to_owned()).spawn(echo)?;
    let expected = up.delay + down.delay + up.serialisation(1) + down.serialisation(1);
    let mut own = Vec::new();
    for _ in 0..PINGS {
        let start = Instant::now();
        client.write_all(&[0])?;
        client.read_exact(&mut [0])?;
        own.push(start.elapsed().saturating_sub(expected));
    }
    own.sort();
    let each_way = (own[PINGS / 2] / 2).min(MOST_OWN);
    for direction in [up, down] {
        let ns = u64::try_from(each_way.as_nanos()).unwrap_or(u64::MAX);
        direction.own_ns.store(ns, Ordering::Relaxed);
    }
    client.shutdown(Shutdown::Both)
}

fn connect(
    client: &TcpStream,
    server: SocketAddr,
    up: &Arc<Direction>,
    down: &Arc<Direction>,
    shared: &Arc<Shared>,
) -> std::io::Result<()> {
    let server = TcpStream::connect_timeout(&server, Duration::from_secs(3))?;
    for stream in [client, &server] {
        stream.set_nodelay(true)?;
        shared.keep(stream)?;
    }
    pump(client.try_clone()?, server.try_clone()?, Arc::clone(up))?;
    pump(server, client.try_clone()?, Arc::clone(down))
}

/// Carries bytes from one stream to another.
fn pump(mut from: TcpStream, mut to: TcpStream, direction: Arc<Direction>) -> std::io::Result<()> {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    let read = move || {
        let mut buffer = vec![0; direction.piece()];
        loop {
            let count = match from.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return,
            };
            let (left, arrives) = direction.send(count);
            if sender.send((arrives, buffer[..count].to_vec())).is_err() {
                return;
            }
            let waiting = left.saturating_duration_since(Instant::now());
            sleep(waiting.saturating_sub(QUEUE));
        }
    };
    let write = move || {
        // the system may oversleep by this much; 50 µs unless told otherwise, and refusing is no harm
        let _ = nix::sys::prctl::set_timerslack(1);
        for (arrives, bytes) in receiver {
            sleep(arrives.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        // the other side may be gone already
        let _ = to.shutdown(Shutdown::Both);
    };
    Builder::new().name("link".to_owned()).spawn(read)?;
    Builder::new().name("link".to_owned()).spawn(write)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo_server() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut reader = stream.try_clone().unwrap();
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = reader.read(&mut buffer) {
                    if stream.write_all(&buffer[..count]).is_err() {
                        break;
                    }
                }
            }
        });
        address
    }

    fn link(rate: &str, delay: &str) -> Link {
        Link {
            rate: rate.parse().unwrap(),
            delay: delay.parse().unwrap(),
            down_rate: None,
        }
    }

    #[test]
    fn bytes_arrive_whole_and_no_earlier_than_the_link_lets_them() {
        let link = EmulatedLink::start(echo_server(), &link("8Mbit/s", "10ms")).unwrap();
        let mut stream = TcpStream::connect(link.address).unwrap();
        let sent: Vec<u8> = (0..50_000_u32).map(|i| (i % 251) as u8).collect();
        let start = Instant::now();
        stream.write_all(&sent).unwrap();
        let mut back = vec![0; sent.len()];
        stream.read_exact(&mut back).unwrap();
        // 50 kB at 1 MB/s there, and the last piece back, at 10 ms each way, of which a little is
        // what the proxy itself takes
        assert!(start.elapsed() >= Duration::from_millis(50 + 15));
        assert_eq!(back, sent);
    }

    #[test]
    fn a_cut_link_closes_its_connections_and_takes_new_ones() {
        let link = EmulatedLink::start(echo_server(), &link("1Gbit/s", "0ms")).unwrap();
        let mut first = TcpStream::connect(link.address).unwrap();
        let mut byte = [7];
        first.write_all(&byte).unwrap();
        first.read_exact(&mut byte).unwrap();
        link.cut();
        assert!(matches!(first.read(&mut byte), Ok(0) | Err(_)));
        let mut second = TcpStream::connect(link.address).unwrap();
        second.write_all(&byte).unwrap();
        second.read_exact(&mut byte).unwrap();
        assert_eq!(byte, [7]);
    }
}
