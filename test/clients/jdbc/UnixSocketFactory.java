import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import javax.net.SocketFactory;

/**
 * Lets the PostgreSQL driver, which supports only TCP, connect to a unix socket.
 * Its socketFactory is this class, and its socketFactoryArg is the socket.
 */
public final class UnixSocketFactory extends SocketFactory {
  private final UnixDomainSocketAddress address;

  public UnixSocketFactory(String path) {
    address = UnixDomainSocketAddress.of(path);
  }

  @Override
  public Socket createSocket() throws IOException {
    return new UnixSocket(address);
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return createSocket();
  }

  @Override
  public Socket createSocket(String host, int port, java.net.InetAddress local, int localPort) throws IOException {
    return createSocket();
  }

  @Override
  public Socket createSocket(java.net.InetAddress host, int port) throws IOException {
    return createSocket();
  }

  @Override
  public Socket createSocket(java.net.InetAddress host, int port, java.net.InetAddress local, int localPort)
      throws IOException {
    return createSocket();
  }

  /** A channel as a Socket, with the methods that the driver calls, without TCP options. */
  private static final class UnixSocket extends Socket {
    private final SocketChannel channel;
    private final UnixDomainSocketAddress address;
    private int timeout;

    UnixSocket(UnixDomainSocketAddress address) throws IOException {
      this.channel = SocketChannel.open(StandardProtocolFamily.UNIX);
      this.address = address;
    }

    @Override
    public void connect(SocketAddress ignored, int timeoutMillis) throws IOException {
      channel.connect(address);
    }

    @Override
    public InputStream getInputStream() {
      return Channels.newInputStream(channel);
    }

    @Override
    public OutputStream getOutputStream() {
      return Channels.newOutputStream(channel);
    }

    @Override
    public boolean isConnected() {
      return channel.isConnected();
    }

    @Override
    public boolean isClosed() {
      return !channel.isOpen();
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }

    @Override
    public void setSoTimeout(int millis) {
      timeout = millis;
    }

    @Override
    public int getSoTimeout() {
      return timeout;
    }

    @Override
    public void setTcpNoDelay(boolean on) {}

    @Override
    public void setKeepAlive(boolean on) {}

    @Override
    public int getSendBufferSize() {
      return 1 << 16;
    }

    @Override
    public int getReceiveBufferSize() {
      return 1 << 16;
    }
  }
}
