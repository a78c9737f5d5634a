package lakehouse.sql

import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files, Paths}
import java.security.{MessageDigest, SecureRandom}
import java.util.Base64
import java.util.concurrent.ConcurrentHashMap

import javax.crypto.SecretKeyFactory
import javax.crypto.spec.PBEKeySpec
import javax.security.sasl.AuthenticationException

import scala.collection.JavaConverters._

import org.apache.hive.service.auth.PasswdAuthenticationProvider

/** Lets in who is in the users file: lines `user:pbkdf2_sha256$iterations$salt$hash` (lakehouse/sql_server/passwords.py). */
class Passwords extends PasswdAuthenticationProvider {

  override def Authenticate(user: String, password: String): Unit = {
    val line = Passwords.hashes.get(user)
    // An unknown user takes as long as a wrong password, so that names cannot be told apart by the time.
    val isRight = Passwords.fits(user, line.getOrElse(Passwords.nobody), Option(password).getOrElse(""))
    if (line.isEmpty || !isRight) throw new AuthenticationException("user or password is wrong")
  }
}

object Passwords {
  private val nobody = "pbkdf2_sha256$210000$bm9ib2R5$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
  private val ownSalt = { val bytes = new Array[Byte](32); new SecureRandom().nextBytes(bytes); bytes }
  /** user -> line and digest of the password that fitted it: the slow hash is worked out once a password and process. */
  private val known = new ConcurrentHashMap[String, (String, Seq[Byte])]()

  /** user -> hash, as the file is now: a changed password needs no restart. */
  private def hashes: Map[String, String] =
    Files.readAllLines(Paths.get(System.getProperty("lakehouse.sql.users")), UTF_8).asScala
      .map(_.trim).filter(line => line.nonEmpty && !line.startsWith("#"))
      .map(_.split(":", 2)).collect { case Array(user, hash) => user -> hash }.toMap

  private def fits(user: String, line: String, password: String): Boolean = {
    val quick = {
      val sha = MessageDigest.getInstance("SHA-256")
      sha.update(ownSalt)
      sha.digest(password.getBytes(UTF_8)).toSeq
    }
    if (known.get(user) == ((line, quick))) return true
    val found = line.split('$') match {
      case Array("pbkdf2_sha256", iterations, salt, hash) =>
        val wanted = Base64.getDecoder.decode(hash)
        val spec = new PBEKeySpec(password.toCharArray, Base64.getDecoder.decode(salt), iterations.toInt, wanted.length * 8)
        val given =
          if (password.isEmpty) Array.emptyByteArray
          else SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256").generateSecret(spec).getEncoded
        MessageDigest.isEqual(wanted, given)
      case _ => false
    }
    if (found) known.put(user, (line, quick))
    found
  }
}
