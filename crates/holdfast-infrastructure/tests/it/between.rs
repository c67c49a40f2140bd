//! Somebody between us and a server.

use std::net::{TcpListener, TcpStream};
use std::thread;

/// Listens before the server at `port`, and hands over each connection: the client's, and one to the server. Says where
/// it listens.
pub(crate) fn listen_before(port: u16, serve: impl Fn(TcpStream, TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let here = listener.local_addr().expect("its address").port();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
            serve(client, server);
        }
    });
    here
}

/// The same connection once more, for the other direction; what is written goes out at once.
pub(crate) fn copy_of(stream: &TcpStream) -> TcpStream {
    stream.set_nodelay(true).expect("a socket");
    stream.try_clone().expect("a socket")
}
