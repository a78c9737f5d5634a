package lakehouse.sql

import java.util.concurrent.ConcurrentHashMap

import scala.collection.JavaConverters._

import org.apache.spark.sql.{DataFrame, SparkSession}
import org.apache.spark.sql.catalyst.TableIdentifier
import org.apache.spark.sql.catalyst.catalog.{CatalogStorageFormat, CatalogTable, CatalogTableType}
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan
import org.apache.spark.sql.execution.datasources.{HadoopFsRelation, LogicalRelation}
import org.apache.spark.sql.types.{DataType, MetadataBuilder, StructField, StructType}
import org.apache.spark.storage.StorageLevel

/** A gold table of a published set: the plan that reads exactly this version, and what is kept of it in memory. */
final case class PublishedTable(name: String, uri: String, version: Long, frame: DataFrame, isKept: Boolean) {
  val plan: LogicalPlan = frame.queryExecution.analyzed
}

/** What readers see. The set is one reference: a statement takes it once, so it never sees half of two sets. */
object Published {
  @volatile private var tables: Map[String, PublishedTable] = Map.empty
  /** Every relation that was ever part of a published set of this process, by identity: what an analyst may read. */
  private val relations = ConcurrentHashMap.newKeySet[Reference]()

  private final class Reference(val it: AnyRef) {
    override def hashCode: Int = System.identityHashCode(it)
    override def equals(other: Any): Boolean = other match {
      case one: Reference => one.it eq it
      case _ => false
    }
  }

  /** The set that is published now, `table` -> what reads it. */
  def now: Map[String, PublishedTable] = tables

  /** Whether a relation of an analysed plan is one of gold as published. */
  def isPublished(relation: LogicalRelation): Boolean = relation.relation match {
    case files: HadoopFsRelation => relations.contains(new Reference(files.location))
    case _ => false
  }

  /** Prepare a table for the next set, or take it as it is from the current one. Called by the server only.
   *
   * @param files  the Parquet files of this version, where they alone make it; empty where Delta has to read it
   * @param schema its columns as Delta's log has them
   * @param parts  in how many parts its rows are kept in memory, 0 where they are not kept
   */
  def prepare(
      session: SparkSession, name: String, uri: String, version: Long, files: java.util.List[String], schema: String,
      parts: Int): PublishedTable =
    tables.get(name).filter(one => one.uri == uri && one.version == version && one.isKept == parts > 0).getOrElse {
      val columns = DataType.fromJson(schema).asInstanceOf[StructType]
      val read =
        if (files.isEmpty) session.read.format("delta").option("versionAsOf", version).load(uri)
        else session.read.schema(columns).parquet(files.asScala: _*)
      read.queryExecution.analyzed.foreach {
        case LogicalRelation(found: HadoopFsRelation, _, _, _) => relations.add(new Reference(found.location))
        case _ =>
      }
      val frame = if (parts > 1) read.repartition(parts) else read
      if (parts > 0) {
        frame.persist(StorageLevel.MEMORY_AND_DISK)
        frame.count()
      }
      PublishedTable(name, uri, version, frame, parts > 0)
    }

  /** Make the prepared tables what readers see, in one step; names and columns in the catalogue follow. */
  def switchTo(session: SparkSession, prepared: java.util.List[PublishedTable], comments: java.util.Map[String, String]): Unit = {
    val before = tables
    val next = prepared.asScala.map(one => one.name -> one).toMap
    tables = next
    val catalog = session.sessionState.catalog
    (before.keySet -- next.keySet).foreach(name =>
      catalog.dropTable(TableIdentifier(name, Some("gold")), ignoreIfNotExists = true, purge = false))
    next.values.filterNot(one => before.get(one.name).exists(_ eq one)).foreach { one =>
      val described = view(one, comments.asScala.toMap)
      if (catalog.tableExists(described.identifier)) catalog.alterTable(described)
      else catalog.createTable(described, ignoreIfExists = false, validateLocation = false)
    }
    before.values.filterNot(one => next.get(one.name).exists(_ eq one)).filter(_.isKept)
      .foreach(_.frame.unpersist(blocking = false))
  }

  /** The table as a view of the catalogue: with columns and comments, so that listing opens no table. */
  private def view(one: PublishedTable, comments: Map[String, String]): CatalogTable = {
    val columns = StructType(one.frame.schema.map { field =>
      comments.get(s"${one.name}.${field.name}").fold(StructField(field.name, field.dataType))(comment =>
        StructField(field.name, field.dataType, nullable = true,
          new MetadataBuilder().putString("comment", comment).build()))
    })
    CatalogTable(
      identifier = TableIdentifier(one.name, Some("gold")),
      tableType = CatalogTableType.VIEW,
      storage = CatalogStorageFormat.empty,
      schema = columns,
      comment = comments.get(one.name),
      viewText = Some(s"select * from delta.`${one.uri}` version as of ${one.version}"),
      properties = Map("lakehouse.version" -> one.version.toString)
    )
  }
}
